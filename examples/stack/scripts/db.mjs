// PostgreSQL from the system, in a folder of the example's own. Where there is none, the jobs are
// kept in a file, and this only says so for as long as it runs.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { DATA, NO_DATABASE } from './store.mjs';

const PORT = process.env.PORT ?? '5433';
const FOLDER = resolve(DATA, 'postgres');

/** The folder of PostgreSQL's programs; Debian keeps those of a server out of the PATH. */
function findPrograms() {
  const versions = '/usr/lib/postgresql';
  const installed = existsSync(versions)
    ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)).map((v) => `${versions}/${v}/bin`)
    : [];
  const folders = [...(process.env.PATH ?? '').split(':'), ...installed];
  return folders.find((folder) => existsSync(`${folder}/postgres`) && existsSync(`${folder}/initdb`));
}

/** PostgreSQL does not run as root: root hands over to the user that its package made. */
function asOwner(command) {
  return process.getuid() === 0 ? ['runuser', '-u', 'postgres', '--', ...command] : command;
}

const programs = findPrograms();
mkdirSync(DATA, { recursive: true });
if (programs === undefined) {
  writeFileSync(NO_DATABASE, '');
  console.log('PostgreSQL is not installed: jobs are kept in a file');
  setInterval(() => undefined, 1 << 30);
} else {
  rmSync(NO_DATABASE, { force: true });
  if (!existsSync(resolve(FOLDER, 'PG_VERSION'))) {
    mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
    if (process.getuid() === 0) {
      execFileSync('chown', ['postgres', FOLDER]);
    }
    const [program, ...args] = asOwner([`${programs}/initdb`, '-D', FOLDER, '-U', 'stack', '-A', 'trust', '-N']);
    execFileSync(program, args, { stdio: 'inherit' });
  }
  const [program, ...args] = asOwner([
    `${programs}/postgres`, '-D', FOLDER, '-p', PORT, '-h', '127.0.0.1', '-k', '',
  ]);
  const server = spawn(program, args, { stdio: 'inherit' });
  // The signal is for the database, which everybody in the tree gets: this one ends when it does.
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => undefined);
  }
  server.on('exit', (code) => process.exit(code ?? 1));
}
