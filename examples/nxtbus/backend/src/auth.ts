import { randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

import jwt from 'jsonwebtoken';
import type pg from 'pg';

import type { RedisClient } from './cache.ts';
import type { Config } from './config.ts';
import { HttpError } from './http-error.ts';

const ACCESS_SECONDS = 15 * 60;
const REFRESH_SECONDS = 14 * 24 * 3600;

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  expiresIn: number;
}

export interface Auth {
  register(email: string, password: string): Promise<Tokens>;
  signIn(email: string, password: string): Promise<Tokens>;
  /** New tokens for a refresh token, which is used up by it. */
  refresh(token: string): Promise<Tokens>;
  /** The user whom an access token names. */
  verify(token: string): string;
}

export function createAuth(
  pool: pg.Pool,
  redis: RedisClient,
  config: Pick<Config, 'jwtSecret' | 'refreshTokenSecret'>,
): Auth {
  async function issue(email: string): Promise<Tokens> {
    const id = randomUUID();
    await redis.set(`refresh:${id}`, email, { expiration: { type: 'EX', value: REFRESH_SECONDS } });
    return {
      accessToken: jwt.sign({}, config.jwtSecret, { subject: email, expiresIn: ACCESS_SECONDS }),
      refreshToken: jwt.sign({}, config.refreshTokenSecret, {
        subject: email,
        jwtid: id,
        expiresIn: REFRESH_SECONDS,
      }),
      expiresIn: ACCESS_SECONDS,
    };
  }

  return {
    async register(email, password) {
      const { rowCount } = await pool.query(
        'INSERT INTO users (email, password_hash) VALUES (lower($1), $2) ON CONFLICT DO NOTHING',
        [email, await hashPassword(password)],
      );
      if (rowCount === 0) throw new HttpError(409, 'this address is registered already');
      return issue(email.toLowerCase());
    },

    async signIn(email, password) {
      const { rows } = await pool.query<{ password_hash: string }>(
        'SELECT password_hash FROM users WHERE email = lower($1)',
        [email],
      );
      // An unknown address costs as much time as a wrong password.
      const matches = await checkPassword(password, rows[0]?.password_hash ?? NOBODY);
      if (!matches || !rows[0]) throw new HttpError(401, 'wrong address or password');
      return issue(email.toLowerCase());
    },

    async refresh(token) {
      const { sub, jti } = decode(token, config.refreshTokenSecret);
      const email = jti ? await redis.getDel(`refresh:${jti}`) : null;
      if (!email || email !== sub) throw new HttpError(401, 'this token was used or has expired');
      return issue(email);
    },

    verify(token) {
      return decode(token, config.jwtSecret).sub!;
    },
  };
}

function decode(token: string, secret: string): jwt.JwtPayload {
  try {
    const payload = jwt.verify(token, secret, { algorithms: ['HS256'] });
    if (typeof payload === 'object' && payload.sub) return payload;
  } catch {
    // Said below: a caller learns nothing of why.
  }
  throw new HttpError(401, 'invalid token');
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const KEY_BYTES = 32;
const NOBODY = `${'00'.repeat(16)}:${'00'.repeat(KEY_BYTES)}`;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString('hex')}:${(await derive(password, salt, KEY_BYTES)).toString('hex')}`;
}

export async function checkPassword(password: string, stored: string): Promise<boolean> {
  const [salt = '', key = ''] = stored.split(':');
  const actual = await derive(password, Buffer.from(salt, 'hex'), KEY_BYTES);
  return timingSafeEqual(actual, Buffer.from(key, 'hex'));
}
