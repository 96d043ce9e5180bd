import { createClient } from 'redis';

import type { Config } from './config.ts';

/** A cache that is allowed to be away: reads then miss and writes are dropped. */
export interface Cache {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
}

export type RedisClient = ReturnType<typeof createRedis>;

export function createRedis(config: Config['redis']) {
  const client = createClient({
    socket: {
      host: config.host,
      port: config.port,
      connectTimeout: 3000,
      reconnectStrategy: (attempts) => Math.min(100 * 2 ** attempts, 3000),
    },
    password: config.password,
    // Without a connection a command fails at once instead of waiting for one.
    disableOfflineQueue: true,
  });
  let lastMessage = '';
  client.on('error', (error: Error) => {
    if (error.message !== lastMessage) console.error('redis:', error.message);
    lastMessage = error.message;
  });
  client.on('ready', () => {
    lastMessage = '';
  });
  return client;
}

export function createCache(redis: RedisClient): Cache {
  return {
    async get(key) {
      try {
        return (await redis.get(key)) ?? undefined;
      } catch {
        return undefined;
      }
    },
    async set(key, value, ttlSeconds) {
      try {
        await redis.set(key, value, { expiration: { type: 'EX', value: ttlSeconds } });
      } catch {
        // The answer is right without having been cached.
      }
    },
  };
}
