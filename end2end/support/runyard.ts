/** The real release binary: one server with its keeper, on a free port, with a data folder of its own. */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { Api } from './api.ts';
import { hasEnded } from './contract.ts';
import { childrenOf, commandLine, freePort, isAlive, sendSignal, waitUntil } from './processes.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BIN = process.env['RUNYARD_BIN'] ?? join(ROOT, 'target/release/runyard');
const SITE = join(ROOT, 'examples/site');
/** How long the server may take to end before it is made to. */
const EXIT_MS = 15_000;
const LINK = /http:\/\/\S+\/sign-in\?code=\S+/;

export class Runyard {
  readonly url: string;
  readonly #port: number;
  readonly #data: string;
  readonly #env: Record<string, string>;
  /** The folder that it serves; one with a `runyard.toml` is started in. */
  readonly project: string;
  #server: ChildProcess | undefined;
  #output = '';
  #api: Api | undefined;

  private constructor(port: number, env: Record<string, string>, project: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#port = port;
    this.#env = env;
    this.project = project;
    this.#data = mkdtempSync(join(tmpdir(), 'runyard-e2e-'));
  }

  /**
   * Starts one that serves a project, the example site; `env` is added to its environment, and `port`
   * is a free one unless somebody has to know it before.
   */
  static async start(
    env: Record<string, string> = {},
    project = SITE,
    port?: number,
  ): Promise<Runyard> {
    if (!existsSync(BIN)) {
      throw new Error(`${BIN} is not there: run \`make build\` first, or set RUNYARD_BIN`);
    }
    const runyard = new Runyard(port ?? (await freePort()), env, project);
    try {
      await runyard.startServer();
    } catch (error) {
      await runyard.dispose();
      throw error;
    }
    return runyard;
  }

  /** Starts the server, on the same port and data as before when there was one. */
  async startServer(): Promise<void> {
    this.#output = '';
    const args = ['serve', '--listen', `127.0.0.1:${this.#port}`];
    const server = spawn(BIN, [...args, '--data', this.#data, '--project', this.project], {
      cwd: existsSync(join(this.project, 'runyard.toml')) ? this.project : this.#data,
      env: { ...cleanEnvironment(), ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#server = server;
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    await waitUntil('the sign-in link is printed', () => {
      if (server.exitCode !== null || server.signalCode !== null) {
        throw new Error(`the server ended at once:\n${this.#output}`);
      }
      return LINK.test(this.#output);
    });
    await waitUntil('the server is ready', () => this.isReady());
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  /** The one-time link that the server printed. */
  get signInLink(): string {
    const link = LINK.exec(this.#output)?.[0];
    if (link === undefined) {
      throw new Error(`no sign-in link was printed:\n${this.#output}`);
    }
    return link;
  }

  /** A token of an admin, made by the command line. */
  async token(): Promise<string> {
    const args = ['token', 'create', '--role', 'admin', '--name', 'e2e', '--ttl', '1h'];
    const options = { env: cleanEnvironment() };
    const made = await promisify(execFile)(BIN, [...args, '--data', this.#data], options);
    return made.stdout.trim();
  }

  /** The REST interface, with such a token. */
  async api(): Promise<Api> {
    this.#api ??= new Api(this.url, await this.token());
    return this.#api;
  }

  /** SIGKILL: the server has no chance to say or write anything. */
  async killServer(): Promise<void> {
    await this.#endServer('SIGKILL');
  }

  /** Ends the server, every process that it runs, and its keeper: nothing is left behind. */
  async dispose(): Promise<void> {
    try {
      await this.#endProcesses();
    } finally {
      await this.#endServer('SIGTERM');
      await this.#endKeeper();
      rmSync(this.#data, { recursive: true, force: true });
    }
  }

  async #endProcesses(): Promise<void> {
    if (!(await this.isReady())) {
      return;
    }
    const api = await this.api();
    const alive = (await api.processes()).filter((one) => !hasEnded(one));
    await Promise.all(alive.map(({ id }) => api.stop(id)));
    await waitUntil('every process has ended', async () => (await api.processes()).every(hasEnded));
  }

  async #endServer(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) {
      return;
    }
    const exit = once(server, 'exit');
    server.kill(signal);
    const patience = setTimeout(() => server.kill('SIGKILL'), EXIT_MS);
    await exit;
    clearTimeout(patience);
  }

  /** The keeper is no child of ours, so its pid is trusted only with its command line. */
  async #endKeeper(): Promise<void> {
    const file = join(this.#data, 'keeper.pid');
    if (!existsSync(file)) {
      return;
    }
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    const isOurs = () => isAlive(pid) && commandLine(pid).includes(this.#data);
    if (!isOurs()) {
      return;
    }
    // Only where the server could not do it: each child leads a process group of its own.
    childrenOf(pid).forEach((child) => sendSignal(-child, 'SIGKILL'));
    sendSignal(pid, 'SIGTERM');
    try {
      await waitUntil('the keeper ends', () => !isOurs(), 5_000);
    } catch {
      sendSignal(pid, 'SIGKILL');
    }
  }
}

/** What a shell would give, without the settings of whoever runs the tests. */
function cleanEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'TMPDIR'];
  const entries = names.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
