import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';

import { createEstimator, estimate } from './travel-time.ts';

const POINTS = [
  { lat: 52.52, lon: 13.401 },
  { lat: 52.5222, lon: 13.4085 },
  { lat: 52.5246, lon: 13.417 },
];

/** A routing service that gives the same answer to everybody, or none at all. */
async function routingService(t: TestContext, answer?: object): Promise<string> {
  const server = createServer((_request, response) => {
    if (answer) response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the estimate is the distance at mean speed and the time at stops', () => {
  const { distanceMeters, durationSeconds, source } = estimate(POINTS);
  assert.equal(source, 'estimate');
  assert.ok(distanceMeters > 1300 && distanceMeters < 1700, `${distanceMeters} m`);
  assert.equal(durationSeconds, Math.round(distanceMeters / 5 + 20));
});

test('an answer of the routing service is used', async (t) => {
  const url = await routingService(t, { code: 'Ok', routes: [{ distance: 1500.4, duration: 200.2 }] });
  assert.deepEqual(await createEstimator(url, 1000)(POINTS), {
    distanceMeters: 1500,
    durationSeconds: 220,
    source: 'osrm',
  });
});

test('no way, no answer in time, no service: the estimate serves', async (t) => {
  const noWay = await routingService(t, { code: 'NoRoute' });
  const silent = await routingService(t);
  for (const url of [noWay, silent, 'http://127.0.0.1:1', undefined]) {
    assert.deepEqual(await createEstimator(url, 50)(POINTS), estimate(POINTS));
  }
});
