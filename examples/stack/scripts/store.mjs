// Where the jobs are: in PostgreSQL, or in a file where there is none.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const DATA = resolve(import.meta.dirname, '../.data');
/** Is there while the database only stands in for one. */
export const NO_DATABASE = resolve(DATA, 'no-database');

const FILE = resolve(DATA, 'jobs.json');

/** A store with `migrate`, `add`, `take`, `finish`, `list` and `close`. */
export async function openStore() {
  return existsSync(NO_DATABASE) ? fileStore() : databaseStore();
}

async function databaseStore() {
  const { default: pg } = await import('pg');
  const port = Number(process.env.DB_PORT ?? 5433);
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'stack', database: 'postgres', max: 4 });
  // A connection that waits in the pool breaks when the database stops: the next query tells.
  pool.on('error', () => undefined);
  const query = async (text, values) => (await pool.query(text, values)).rows;
  return {
    migrate: () =>
      query(`CREATE TABLE IF NOT EXISTS jobs (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        text TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'queued'
      )`),
    add: async (text) => (await query('INSERT INTO jobs (text) VALUES ($1) RETURNING *', [text]))[0],
    take: async () =>
      (
        await query(`UPDATE jobs SET state = 'running' WHERE id = (
          SELECT id FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
        ) RETURNING *`)
      )[0],
    finish: (id) => query("UPDATE jobs SET state = 'done' WHERE id = $1", [id]),
    list: () => query('SELECT * FROM jobs ORDER BY id DESC LIMIT 20'),
    close: () => pool.end(),
  };
}

function fileStore() {
  const read = () => (existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : []);
  const write = (jobs) => {
    writeFileSync(`${FILE}.new`, JSON.stringify(jobs));
    renameSync(`${FILE}.new`, FILE);
  };
  const change = (find, state) => {
    const jobs = read();
    const job = jobs.find(find);
    if (job !== undefined) {
      job.state = state;
      write(jobs);
    }
    return job;
  };
  return {
    migrate: async () => mkdirSync(DATA, { recursive: true }),
    add: async (text) => {
      const jobs = read();
      const job = { id: String(jobs.length + 1), text, state: 'queued' };
      write([...jobs, job]);
      return job;
    },
    take: async () => change((job) => job.state === 'queued', 'running'),
    finish: async (id) => change((job) => job.id === id, 'done'),
    list: async () => read().reverse().slice(0, 20),
    close: async () => undefined,
  };
}
