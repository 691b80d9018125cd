import { expect, test, writeInto } from '../support/fixtures.ts';
import { hasEnded } from '../support/contract.ts';
import { waitUntil } from '../support/processes.ts';

/** The newest process of a declaration, once there is one. */
async function declared(
  api: { processes(): Promise<{ id: string; declared: string | null }[]> },
  name: string,
): Promise<string> {
  let id: string | undefined;
  await waitUntil(`${name} is there`, async () => {
    id = (await api.processes()).find((one) => one.declared === name)?.id;
    return id !== undefined;
  });
  return id ?? '';
}

test.describe('a service that fails', () => {
  test.use({
    files: {
      'package.json': '{ "name": "own" }',
      'runyard.toml': `
[process.flaky]
command = ["sh", "-c", "test -e works && exec sleep 300; exit 3"]
autostart = true
restart = { delay_ms = 100, jitter = 0.0, reset_after_s = 3 }
breaker = { failures = 3, within_s = 60, cooldown_s = 600 }
`,
    },
  });

  test('is tried again until its breaker opens, and once more by hand', async ({ app, api, runyard }) => {
    await app.open(await declared(api, 'flaky'));
    await app.hasStatus('backing_off');
    await expect(app.detail.getByTestId('breaker')).toHaveText('breaker open');
    await expect(app.fact('reason')).toContainText('breaker open: 3 failures in 60 s');
    const countdown = app.detail.getByTestId('countdown');
    await expect(countdown).toHaveText(/^next try in \d+ m \d+ s$/);
    const before = await countdown.textContent();
    await expect(countdown, 'it counts down').not.toHaveText(before ?? '');
    await expect(app.log).toContainText('failed to start: exit code 3');

    writeInto(runyard.project, 'works', '');
    await expect(app.detail.getByTestId('restart')).toHaveText('Try now');
    await app.detail.getByTestId('restart').click();
    await app.hasStatus('running');
    await expect(app.detail.getByTestId('breaker')).toHaveText('trial');
    await expect(app.detail.getByTestId('breaker'), 'it holds').toHaveCount(0);
    await expect(app.log).toContainText('it has held: the breaker is closed');
  });
});

test.describe('a queue', () => {
  test.use({
    files: {
      'package.json': JSON.stringify({
        name: 'own',
        scripts: { wait: 'until test -e go; do sleep 0.05; done' },
      }),
      'runyard.toml': '[pools]\nbuilds = 2\n',
    },
  });

  test('ten jobs on two slots, and one is cancelled', async ({ app, api, runyard }) => {
    const ids: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      ids.push((await api.start({ scriptName: 'wait', strategy: { pool: 'builds' } })).id);
    }
    const states = async () => (await api.processes()).map(({ status }) => status);
    await expect.poll(async () => (await states()).filter((one) => one === 'running').length).toBe(2);
    expect((await states()).filter((one) => one === 'queued')).toHaveLength(8);
    const pool = app.page.locator('[data-testid="pool"][data-name="builds"]');
    await expect(pool).toContainText('2 of 2 slots, 8 waiting');

    await app.open(ids[9] ?? '');
    await expect(app.detail.getByTestId('position')).toHaveText('#8 in line');
    await app.open(ids[4] ?? '');
    await expect(app.detail.getByTestId('position')).toHaveText('#3 in line');
    await expect(app.detail.getByTestId('stop')).toHaveText('Cancel');
    await app.detail.getByTestId('stop').click();
    await app.hasStatus('stopped');
    await expect(app.fact('reason')).toHaveText('taken off the queue by admin');
    await app.open(ids[9] ?? '');
    await expect(app.detail.getByTestId('position'), 'the line moves up').toHaveText('#7 in line');

    // A paused pool starts nothing, and says so; the panel follows by itself.
    await expect(pool).toContainText('2 of 2 slots, 7 waiting');
    await pool.getByTestId('pool-pause').click();
    await expect(pool).toContainText('paused, 7 waiting');
    await expect(app.detail.getByTestId('reason')).toContainText('paused');
    writeInto(runyard.project, 'go', '');
    await expect.poll(async () => (await states()).filter((one) => one === 'completed').length).toBe(2);
    expect((await states()).filter((one) => one === 'queued')).toHaveLength(7);
    await pool.getByRole('button', { name: 'Resume the pool builds' }).click();
    await expect.poll(async () => (await api.processes()).every(hasEnded)).toBe(true);
    await expect(pool, 'it is told of what ends').toContainText('0 of 2 slots, 0 waiting');
    const ends = await states();
    expect(ends.filter((one) => one === 'completed')).toHaveLength(9);
    expect(ends.filter((one) => one === 'stopped')).toHaveLength(1);
  });
});

test.describe('a dependant', () => {
  test.use({
    files: {
      'package.json': '{ "name": "own" }',
      'runyard.toml': `
[process.db]
command = ["sh", "-c", "until test -e open; do sleep 0.05; done; echo accepting; exec sleep 300"]
ready = { log = "accepting", period_s = 0.2 }
[process.api]
command = ["sleep", "300"]
type = "long-running"
depends_on = { db = "ready" }
`,
    },
  });

  test('waits until the other is ready', async ({ app, api, runyard }) => {
    await app.start('api');
    await app.hasStatus('waiting');
    await expect(app.fact('reason')).toContainText('waiting for db to be ready');
    const row = app.page.locator(`[data-testid="process-row"][data-id="${await declared(api, 'db')}"]`);
    await expect(row.getByTestId('ready')).toHaveText('not ready');
    await expect(row, 'ready is one thing, running another').toHaveAttribute('data-status', 'running');
    writeInto(runyard.project, 'open', '');
    await expect(row.getByTestId('ready')).toHaveText('ready');
    await app.hasStatus('running');
  });
});

test.describe('a schedule where nothing is declared', () => {
  test.use({ files: { 'package.json': '{ "name": "own", "scripts": { "tell": "echo told" } }' } });

  test('is shown as soon as a start gives it', async ({ app, api, page }) => {
    await app.isLive();
    await expect(page.getByTestId('declared')).toBeHidden();
    await api.start({ scriptName: 'tell', strategy: { schedule: '0 3 * * *' } });
    await expect(page.locator('[data-testid="schedule"][data-name="tell"]')).toContainText('0 3 * * * UTC');
    await expect(page.getByTestId('declared-start'), 'nothing is declared').toBeHidden();
    await expect(app.rows.first().getByTestId('countdown')).toHaveText(/^next run in /);
    await expect(app.rows.first()).toContainText('scheduled');
  });
});

test.describe('a schedule', () => {
  test.use({
    files: {
      'package.json': '{ "name": "own", "scripts": { "tell": "echo told" } }',
      'runyard.toml': '[process.often]\ncommand = ["echo", "now"]\nschedule = "*/2 * * * * *"\n',
    },
  });

  test('starts its job by itself, and shows when', async ({ app, api }) => {
    const often = app.page.locator('[data-testid="schedule"][data-name="often"]');
    await expect(often).toContainText('*/2 * * * * * UTC');
    await expect(often.getByTestId('schedule-next')).toHaveText(/^in [12] s$/);
    await often.getByTestId('schedule-next').click();
    const times = often.getByTestId('schedule-times').getByRole('listitem');
    await expect(times).toHaveCount(5);
    await expect(times.first()).toHaveText(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    await app.open(await declared(api, 'often'));
    await app.hasStatus('completed');
    await expect(app.log).toContainText('started by its schedule');
    await expect(app.log).toContainText('now');
  });

  test('that a start gives is a row of its own, also twice for one script', async ({ app, api, page }) => {
    const rows = page.locator('[data-testid="schedule"]');
    await expect(rows).toHaveCount(1);
    for (const schedule of ['0 3 * * *', '0 4 * * *']) {
      await api.start({ scriptName: 'tell', strategy: { schedule } });
    }
    await expect(rows).toHaveCount(3);
    await expect(page.locator('[data-testid="schedule"][data-name="tell"]').first()).toContainText('0 3 * * * UTC');
    await expect(page.locator('[data-testid="schedule"][data-name="tell"]').last()).toContainText('0 4 * * * UTC');
    await app.isLive();
  });
});

test.describe('a watched file', () => {
  test.use({
    files: {
      'package.json': '{ "name": "own" }',
      'src/main.js': '',
      'runyard.toml': `
[process.dev]
command = ["sleep", "300"]
autostart = true
type = "long-running"
watch = { paths = ["src/**"], debounce_ms = 10 }
`,
    },
  });

  test('starts the service anew when it changes', async ({ app, api, runyard }) => {
    const id = await declared(api, 'dev');
    await app.open(id);
    await app.hasStatus('running');
    const attempts = async () => (await api.process(id)).attempts.length;
    // Nothing tells when the watch has begun: the file is written until it counts.
    await waitUntil('the change counts', async () => {
      writeInto(runyard.project, 'src/main.js', String(Date.now()));
      return (await attempts()) > 1;
    });
    await app.hasStatus('running');
    await expect(app.log).toContainText('restarted: src/main.js changed');
  });
});

test.describe('a declaration', () => {
  const before = '[process.echo]\ncommand = ["cat"]\nstdin = true\nautostart = true\n';
  test.use({ files: { 'package.json': '{ "name": "own" }', 'runyard.toml': before } });

  test('takes lines, and another one after its differences were looked at', async ({ app, api, runyard }) => {
    await app.open(await declared(api, 'echo'));
    await app.hasStatus('running');
    await app.detail.getByTestId('stdin').fill('hello in there');
    await app.detail.getByTestId('stdin-send').click();
    await expect(app.log).toContainText('hello in there');

    writeInto(runyard.project, 'runyard.toml', `${before}[process.more]\ncommand = []\n`);
    await app.page.getByTestId('reload').click();
    await expect(app.page.getByTestId('reload-refusal')).toContainText('process.more.command');
    await app.page.keyboard.press('Escape');
    writeInto(runyard.project, 'runyard.toml', `${before}[process.more]\ncommand = ["sleep", "300"]\nautostart = true\n`);
    await app.page.getByTestId('reload').click();
    await expect(app.page.getByTestId('diff')).toContainText('+ command = ["sleep", "300"]');
    await app.page.getByTestId('reload-apply').click();
    await declared(api, 'more');
  });
});
