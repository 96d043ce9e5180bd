import pg from 'pg';

/** A pool that takes its address and password from PGHOST, PGUSER, PGPASSWORD, PGDATABASE. */
export function createPool(): pg.Pool {
  const pool = new pg.Pool({
    application_name: 'nxtbus',
    connectionTimeoutMillis: 3000,
    idleTimeoutMillis: 30_000,
    max: 10,
  });
  // A connection that breaks while idle is replaced at the next query; unheard, it would end the process.
  pool.on('error', (error) => console.error('database: idle connection lost:', error.message));
  return pool;
}
