import cors from 'cors';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';

import type { Auth } from './auth.ts';
import { checkHealth, type Probe } from './health.ts';
import { HttpError } from './http-error.ts';
import type { Network, Place } from './network.ts';
import type { Search } from './search.ts';

export interface Services {
  auth: Auth;
  network: Pick<Network, 'listStops'>;
  probes: Record<string, Probe>;
  search: Search;
}

export function createApp(services: Services, corsOrigins: string[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', 'uniquelocal');
  app.use(cors({ origin: corsOrigins.includes('*') ? '*' : corsOrigins }));
  app.use(express.json({ limit: '10kb' }));

  app.get('/health', async (_request, response) => {
    const health = await checkHealth(services.probes);
    response.status(health.status === 'ok' ? 200 : 503).set('Cache-Control', 'no-store').json(health);
  });

  app.get('/api/stops', async (request, response) => {
    const query = typeof request.query.query === 'string' ? request.query.query : '';
    response.json({ stops: await services.network.listStops(query.slice(0, 100)) });
  });

  app.post('/api/routes/search', async (request, response) => {
    const body = object(request.body);
    response.json(await services.search(place(body, 'from'), place(body, 'to')));
  });

  app.post('/api/auth/register', async (request, response) => {
    const { email, password } = credentials(request.body);
    if (password.length < 10) throw new HttpError(400, 'a password has at least 10 characters');
    response.status(201).json(await services.auth.register(email, password));
  });

  app.post('/api/auth/token', async (request, response) => {
    const { email, password } = credentials(request.body);
    response.json(await services.auth.signIn(email, password));
  });

  app.post('/api/auth/refresh', async (request, response) => {
    response.json(await services.auth.refresh(text(object(request.body), 'refreshToken')));
  });

  app.get('/api/auth/me', (request, response) => {
    const token = /^Bearer (\S+)$/.exec(request.get('Authorization') ?? '')?.[1];
    if (!token) throw new HttpError(401, 'no access token');
    response.json({ email: services.auth.verify(token) });
  });

  app.use(notFound, onError);
  return app;
}

const notFound: RequestHandler = (request) => {
  throw new HttpError(404, `nothing at ${request.method} ${request.path}`);
};

const onError: ErrorRequestHandler = (error, request, response, _next) => {
  // body-parser marks what the sender did wrong in the same way.
  const status = typeof error?.status === 'number' && error.status < 500 ? error.status : 500;
  if (status === 500) console.error(`${request.method} ${request.path}:`, error);
  response.status(status).json({ error: status === 500 ? 'internal error' : error.message });
};

function object(body: unknown): Record<string, unknown> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new HttpError(400, 'the body must be a JSON object');
}

function text(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value === 'string' && value.trim() && value.length <= 2000) return value.trim();
  throw new HttpError(400, `'${name}' must be a text`);
}

function credentials(body: unknown): { email: string; password: string } {
  const fields = object(body);
  const email = text(fields, 'email');
  if (!/^\S+@\S+$/.test(email) || email.length > 254) throw new HttpError(400, `'email' is no address`);
  if (typeof fields.password !== 'string' || fields.password.length > 200) {
    throw new HttpError(400, `'password' must be a text`);
  }
  return { email, password: fields.password };
}

function place(body: Record<string, unknown>, name: string): Place {
  const value = body[name];
  if (typeof value === 'string' && value.trim() && value.length <= 100) return value.trim();
  if (typeof value === 'object' && value !== null) {
    const { lat, lon } = value as { lat?: unknown; lon?: unknown };
    if (typeof lat === 'number' && typeof lon === 'number' && Math.abs(lat) <= 90 && Math.abs(lon) <= 180) {
      return { lat, lon };
    }
  }
  throw new HttpError(400, `'${name}' must be the name of a stop, or {"lat": ..., "lon": ...}`);
}
