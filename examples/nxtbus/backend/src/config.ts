/** Everything the environment says, read once at the start. */
export interface Config {
  port: number;
  corsOrigins: string[];
  redis: { host: string; port: number; password: string | undefined };
  /** Base address of an OSRM service; undefined: travel times are always estimated. */
  osrmUrl: string | undefined;
  osrmTimeoutMs: number;
  cacheTtlSeconds: number;
  jwtSecret: string;
  refreshTokenSecret: string;
}

export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];

  function required(name: string): string {
    const value = env[name]?.trim();
    if (!value) problems.push(`${name} is not set`);
    return value ?? '';
  }

  function integer(name: string, fallback: number): number {
    const text = env[name]?.trim();
    if (!text) return fallback;
    const value = Number(text);
    if (!Number.isInteger(value) || value <= 0) problems.push(`${name} is not a positive integer: ${text}`);
    return value;
  }

  const config: Config = {
    port: integer('PORT', 3000),
    corsOrigins: required('CORS_ORIGIN').split(',').map((origin) => origin.trim()).filter(Boolean),
    redis: {
      host: env.REDIS_HOST || 'localhost',
      port: integer('REDIS_PORT', 6379),
      password: env.REDIS_PASSWORD || undefined,
    },
    osrmUrl: env.OSRM_URL?.trim().replace(/\/+$/, '') || undefined,
    osrmTimeoutMs: integer('OSRM_TIMEOUT_MS', 800),
    cacheTtlSeconds: integer('CACHE_TTL_SECONDS', 300),
    jwtSecret: required('JWT_SECRET'),
    refreshTokenSecret: required('REFRESH_TOKEN_SECRET'),
  };
  if (config.jwtSecret && config.jwtSecret === config.refreshTokenSecret) {
    problems.push('JWT_SECRET and REFRESH_TOKEN_SECRET must differ');
  }
  if (problems.length > 0) throw new Error(`configuration: ${problems.join('; ')}`);
  return config;
}
