import { createHash } from 'node:crypto';

import type { Cache } from './cache.ts';
import { HttpError } from './http-error.ts';
import type { Network, Place, Ride } from './network.ts';
import type { Estimator, TravelTime } from './travel-time.ts';

export interface SearchResult {
  routes: (Ride & { eta: TravelTime })[];
}

export interface SearchAnswer extends SearchResult {
  cached: boolean;
}

export type Search = (from: Place, to: Place) => Promise<SearchAnswer>;

/** While the routing service is away, answers are kept only this long. */
const ESTIMATE_TTL_SECONDS = 30;

export function createSearch(
  network: Network,
  cache: Cache,
  estimator: Estimator,
  options: { ttlSeconds: number; routingService: boolean },
): Search {
  return async (from, to) => {
    const key = cacheKey(from, to);
    const hit = await cache.get(key);
    if (hit) return { cached: true, ...(JSON.parse(hit) as SearchResult) };

    const [board, alight] = await Promise.all([network.findAccess(from), network.findAccess(to)]);
    if (board.length === 0) throw new HttpError(404, `no stop found for 'from'`);
    if (alight.length === 0) throw new HttpError(404, `no stop found for 'to'`);

    const rides = await network.findRides(board, alight);
    const routes = await Promise.all(rides.map(async (ride) => ({ ...ride, eta: await estimator(ride.stops) })));
    routes.sort((a, b) => a.eta.durationSeconds - b.eta.durationSeconds);

    const provisional = options.routingService && routes.some(({ eta }) => eta.source === 'estimate');
    const ttl = provisional ? Math.min(ESTIMATE_TTL_SECONDS, options.ttlSeconds) : options.ttlSeconds;
    await cache.set(key, JSON.stringify({ routes } satisfies SearchResult), ttl);
    return { cached: false, routes };
  };
}

/** The same for spellings that find the same stops; coordinates to about ten metres. */
export function cacheKey(from: Place, to: Place): string {
  const normal = (place: Place) =>
    typeof place === 'string'
      ? place.trim().toLowerCase().replace(/\s+/g, ' ')
      : [place.lat.toFixed(4), place.lon.toFixed(4)];
  const digest = createHash('sha256').update(JSON.stringify([normal(from), normal(to)])).digest('hex');
  return `search:1:${digest}`;
}
