import { createApp } from './app.ts';
import { createAuth } from './auth.ts';
import { createCache, createRedis } from './cache.ts';
import { readConfig } from './config.ts';
import { createPool } from './database.ts';
import { createNetwork } from './network.ts';
import { createSearch } from './search.ts';
import { createEstimator } from './travel-time.ts';

const SHUTDOWN_MS = 8000;

const config = readConfig();
const pool = createPool();
const redis = createRedis(config.redis);
// Goes on trying by itself; until it succeeds, /health says that redis is down.
redis.connect().catch((error: Error) => console.error('redis:', error.message));

const network = createNetwork(pool);
const search = createSearch(network, createCache(redis), createEstimator(config.osrmUrl, config.osrmTimeoutMs), {
  ttlSeconds: config.cacheTtlSeconds,
  routingService: config.osrmUrl !== undefined,
});
const probes = { database: () => pool.query('SELECT 1'), redis: () => redis.ping() };
const app = createApp({ auth: createAuth(pool, redis, config), network, probes, search }, config.corsOrigins);

const server = app.listen(config.port, (error) => {
  if (error) throw error;
  console.log(`nxtbus backend listening on port ${config.port}`);
});

/** Answers what has been asked, then closes the connections and lets the process end. */
async function shutDown(signal: string): Promise<void> {
  console.log(`${signal}: shutting down`);
  setTimeout(() => {
    console.error('requests still open: giving up on them');
    process.exit(1);
  }, SHUTDOWN_MS).unref();
  await new Promise((resolve) => server.close(resolve));
  await pool.end();
  redis.destroy();
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void shutDown(signal));
}
