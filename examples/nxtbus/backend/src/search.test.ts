import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Cache } from './cache.ts';
import type { Network } from './network.ts';
import { cacheKey, createSearch } from './search.ts';
import { estimate, type Estimator } from './travel-time.ts';

const HERE = { id: 1, name: 'Here', lat: 52.52, lon: 13.4 };
const THERE = { id: 2, name: 'There', lat: 52.53, lon: 13.42 };

/** A network of two stops and one line. */
const network: Network = {
  listStops: async () => [HERE, THERE],
  findAccess: async (place) =>
    [HERE, THERE].filter(({ name }) => name === place).map((stop) => ({ stop, walkMeters: 0 })),
  findRides: async ([board], [alight]) => [
    { code: '1', name: 'Here – There', board: board!, alight: alight!, stops: [HERE, THERE] },
  ],
};

function memoryCache(): Cache & { ttl: number | undefined } {
  const entries = new Map<string, string>();
  return {
    ttl: undefined,
    get: async (key) => entries.get(key),
    async set(key, value, ttlSeconds) {
      this.ttl = ttlSeconds;
      entries.set(key, value);
    },
  };
}

const estimator: Estimator = async (points) => estimate(points);

test('the second answer comes from the cache and is the same', async () => {
  const cache = memoryCache();
  const search = createSearch(network, cache, estimator, { ttlSeconds: 300, routingService: false });
  const first = await search('Here', 'There');
  const second = await search('Here', 'There');
  assert.equal(first.cached, false);
  assert.deepEqual(second, { ...first, cached: true });
  assert.equal(cache.ttl, 300);
});

test('an estimate in place of the routing service is kept for a short time', async () => {
  const cache = memoryCache();
  const search = createSearch(network, cache, estimator, { ttlSeconds: 300, routingService: true });
  await search('Here', 'There');
  assert.equal(cache.ttl, 30);
});

test('an unknown stop is named by its field', async () => {
  const search = createSearch(network, memoryCache(), estimator, { ttlSeconds: 300, routingService: false });
  await assert.rejects(search('Here', 'Nowhere'), { status: 404, message: "no stop found for 'to'" });
});

test('the key ignores case and spaces, and knows the direction', () => {
  assert.equal(cacheKey(' Old  Harbour', 'x'), cacheKey('old harbour', 'X'));
  assert.notEqual(cacheKey('a', 'b'), cacheKey('b', 'a'));
});
