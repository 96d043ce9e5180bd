export type Probe = () => Promise<unknown>;

export interface Check {
  status: 'up' | 'down';
  milliseconds: number;
  error?: string;
}

export interface Health {
  status: 'ok' | 'unavailable';
  uptimeSeconds: number;
  checks: Record<string, Check>;
}

const TIMEOUT_MS = 2000;

export async function checkHealth(probes: Record<string, Probe>): Promise<Health> {
  const checks = await Promise.all(
    Object.entries(probes).map(async ([name, probe]): Promise<[string, Check]> => {
      const start = performance.now();
      const error = await withTimeout(probe()).then(
        () => undefined,
        (reason: unknown) => (reason instanceof Error ? reason.message || reason.name : String(reason)),
      );
      const milliseconds = Math.round(performance.now() - start);
      return [name, error ? { status: 'down', milliseconds, error } : { status: 'up', milliseconds }];
    }),
  );
  return {
    status: checks.every(([, { status }]) => status === 'up') ? 'ok' : 'unavailable',
    uptimeSeconds: Math.round(process.uptime()),
    checks: Object.fromEntries(checks),
  };
}

async function withTimeout(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
