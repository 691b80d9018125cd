import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, test } from '../support/fixtures.ts';

const STACK = resolve(import.meta.dirname, '../../examples/stack');
/** Who starts with Runyard, and what each waits for. */
const SERVICES = ['db', 'api', 'worker', 'web'];
const BEFORE: readonly (readonly [string, string])[] = [
  ['db', 'api'],
  ['api', 'worker'],
  ['api', 'web'],
];
/** The first start of a database takes its time. */
const PATIENCE_MS = 50_000;

test.describe('the example of four services', () => {
  test.use({ project: STACK });
  test.setTimeout(2 * 60_000);

  test('comes up in order until all are ready, and goes down in reverse', async ({ api }) => {
    expect(existsSync(join(STACK, 'node_modules')), 'run `scripts/setup.sh test` first').toBe(true);
    const all = async () => {
      const processes = await api.processes();
      return new Map(processes.map((process) => [process.declared ?? '', process]));
    };
    const ready = async () => {
      const now = await all();
      return SERVICES.filter((name) => now.get(name)?.ready === true);
    };
    await expect.poll(ready, { timeout: PATIENCE_MS }).toEqual(SERVICES);
    const up = await all();
    expect(up.get('migrate')?.status).toBe('completed');
    const started = (name: string) => up.get(name)?.startedAt ?? Number.NaN;
    for (const [first, then] of [...BEFORE, ['db', 'migrate'], ['migrate', 'api']] as const) {
      expect(started(first), `${first} is started before ${then}`).toBeLessThan(started(then));
    }
    // They work together: a job goes through the page's proxy, the API, the store and the worker.
    const jobs = 'http://127.0.0.1:4001/jobs';
    expect((await fetch(jobs, { method: 'POST', body: 'hello' })).ok).toBe(true);
    await expect
      .poll(async () => JSON.stringify(await (await fetch(jobs)).json()))
      .toMatch(/"text":"hello","state":"done"/);

    await api.stopDeclared();
    const down = await all();
    const ended = (name: string) => down.get(name)?.endedAt ?? Number.NaN;
    for (const name of SERVICES) {
      expect(down.get(name)?.status, name).toBe('stopped');
    }
    for (const [first, then] of BEFORE) {
      expect(ended(then), `${then} has ended before ${first}`).toBeLessThanOrEqual(ended(first));
    }
  });

  test.afterEach(() => rmSync(join(STACK, '.data'), { recursive: true, force: true }));
});
