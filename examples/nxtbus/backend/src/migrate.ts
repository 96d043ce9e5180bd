/**
 * Brings the database to the state that this version expects.
 *
 *   npm run migrate               apply what is pending
 *   npm run migrate -- --status   say what is applied and what is pending, change nothing
 *
 * Migrations are the SQL files of ../migrations in order of name. Each runs in a transaction of
 * its own together with its entry in the ledger, under a lock that keeps out a second runner.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import pg from 'pg';

const DIRECTORY = new URL('../migrations/', import.meta.url);
const LOCK = 7_236_514; // any number that nothing else in this database locks

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(DIRECTORY)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, DIRECTORY), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** Name: checksum of what has been applied; nothing if there is no ledger yet. */
async function readLedger(client: pg.Client): Promise<Map<string, string>> {
  const { rows: found } = await client.query(`SELECT to_regclass('schema_migrations') IS NOT NULL AS exists`);
  if (!found[0].exists) return new Map();
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'SELECT name, checksum FROM schema_migrations',
  );
  return new Map(rows.map(({ name, checksum }) => [name, checksum]));
}

function pendingOf(migrations: Migration[], ledger: Map<string, string>): Migration[] {
  for (const { name, checksum } of migrations) {
    const applied = ledger.get(name);
    if (applied !== undefined && applied !== checksum) {
      throw new Error(`${name} was changed after it had been applied: add a new migration instead`);
    }
  }
  return migrations.filter(({ name }) => !ledger.has(name));
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(migration.sql);
    await client.query('INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)', [
      migration.name,
      migration.checksum,
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`${migration.name}: ${error instanceof Error ? error.message : error}`);
  }
}

async function migrate(client: pg.Client, migrations: Migration[]): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [LOCK]); // released with the connection
  const ledger = await readLedger(client);
  if (ledger.size === 0) {
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
      name text PRIMARY KEY,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
  }
  const pending = pendingOf(migrations, ledger);
  for (const migration of pending) {
    await apply(client, migration);
    console.log(`applied ${migration.name}`);
  }
  console.log(pending.length > 0 ? `${pending.length} applied` : 'nothing to apply');
}

async function status(client: pg.Client, migrations: Migration[]): Promise<void> {
  const pending = new Set(pendingOf(migrations, await readLedger(client)));
  for (const migration of migrations) {
    console.log(`${pending.has(migration) ? 'pending' : 'applied'} ${migration.name}`);
  }
  console.log(pending.size > 0 ? `${pending.size} pending` : 'nothing pending');
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { status: { type: 'boolean', default: false } } });
  const migrations = await readMigrations();
  const client = new pg.Client({ application_name: 'nxtbus-migrate', connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await (values.status ? status(client, migrations) : migrate(client, migrations));
  } finally {
    await client.end();
  }
}

main().catch((error: unknown) => {
  console.error(`migrate: ${error instanceof Error ? error.message || error.name : error}`);
  process.exitCode = 1;
});
