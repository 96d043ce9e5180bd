export interface Stop {
  id: number;
  name: string;
}

export interface Route {
  code: string;
  name: string;
  board: { stop: Stop; walkMeters: number };
  alight: { stop: Stop; walkMeters: number };
  stops: Stop[];
  eta: { distanceMeters: number; durationSeconds: number; source: 'osrm' | 'estimate' };
}

export interface SearchAnswer {
  cached: boolean;
  routes: Route[];
}

export type Place = string | { lat: number; lon: number };

export async function listStops(): Promise<Stop[]> {
  return (await call<{ stops: Stop[] }>('/api/stops')).stops;
}

export function searchRoutes(from: Place, to: Place): Promise<SearchAnswer> {
  return call('/api/routes/search', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ from, to }),
  });
}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, init).catch(() => {
    throw new Error('No connection. Please try again.');
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? 'The service is not available at the moment.');
  return body as T;
}
