// Ends with 0 when the store answers: a port that is open is not a database that is up.

import { existsSync } from 'node:fs';

import { NO_DATABASE } from './store.mjs';

if (!existsSync(NO_DATABASE)) {
  const { default: pg } = await import('pg');
  const port = Number(process.env.PORT);
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'stack', database: 'postgres' });
  try {
    await client.connect();
    await client.query('SELECT 1');
    await client.end();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
