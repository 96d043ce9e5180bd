import { pathLength, type Coordinates } from './geo.ts';

export interface TravelTime {
  distanceMeters: number;
  durationSeconds: number;
  source: 'osrm' | 'estimate';
}

/** Travel time of a bus through `points`, at least two. Never fails. */
export type Estimator = (points: Coordinates[]) => Promise<TravelTime>;

const MEAN_BUS_SPEED_METERS_PER_SECOND = 18 / 3.6;
const DWELL_SECONDS_PER_STOP = 20;
/** Streets are longer than the line through the stops. */
const DETOUR_FACTOR = 1.25;

export function createEstimator(osrmUrl: string | undefined, timeoutMs: number): Estimator {
  return async (points) => {
    if (!osrmUrl) return estimate(points);
    try {
      return await askOsrm(osrmUrl, points, timeoutMs);
    } catch (error) {
      console.warn('osrm:', error instanceof Error ? error.message : error);
      return estimate(points);
    }
  };
}

export function estimate(points: Coordinates[]): TravelTime {
  const distance = pathLength(points) * DETOUR_FACTOR;
  return {
    distanceMeters: Math.round(distance),
    durationSeconds: Math.round(distance / MEAN_BUS_SPEED_METERS_PER_SECOND + dwell(points)),
    source: 'estimate',
  };
}

async function askOsrm(url: string, points: Coordinates[], timeoutMs: number): Promise<TravelTime> {
  const path = points.map(({ lon, lat }) => `${lon.toFixed(6)},${lat.toFixed(6)}`).join(';');
  const response = await fetch(`${url}/route/v1/driving/${path}?overview=false`, {
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  const body = (await response.json()) as { code?: string; routes?: { distance: number; duration: number }[] };
  const route = body.routes?.[0];
  if (body.code !== 'Ok' || !Number.isFinite(route?.duration) || !Number.isFinite(route?.distance)) {
    throw new Error(`found no way: ${body.code ?? 'no code'}`);
  }
  return {
    distanceMeters: Math.round(route!.distance),
    durationSeconds: Math.round(route!.duration + dwell(points)),
    source: 'osrm',
  };
}

/** Time at the stops between the first and the last. */
function dwell(points: Coordinates[]): number {
  return Math.max(0, points.length - 2) * DWELL_SECONDS_PER_STOP;
}
