import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { hasEnded } from '../support/contract.ts';
import { expect, test as base } from '../support/fixtures.ts';
import { LONG_TASK_MS, measureLongest } from '../support/tasks.ts';

const MANY = 5_000;
const AT_ONCE = 20;

const test = base.extend<{ project: string }>({
  project: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'runyard-many-'));
    const scripts = { quick: 'true', slow: 'false', sleep: 'sleep 300' };
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'many', scripts }));
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },
});

test.use({
  serverEnv: {
    RUNYARD_LIMITS__STARTS_PER_MINUTE: '1000000',
    RUNYARD_LIMITS__MAX_JOBS: '20',
    RUNYARD_RUN__RUNNER: 'native',
  },
});

test('five thousand processes are listed without a hitch', async ({ app, page, api, browser }) => {
  test.setTimeout(300_000);
  for (let started = 0; started < MANY; started += AT_ONCE) {
    const scriptName = started === 2_000 ? 'slow' : 'quick';
    const count = scriptName === 'slow' ? 1 : AT_ONCE;
    await Promise.all(Array.from({ length: count }, () => api.start({ scriptName })));
  }
  await expect
    .poll(async () => (await api.processes()).every(hasEnded), { timeout: 120_000 })
    .toBe(true);
  const reload = async () => {
    await page.goto('/');
    await app.isLive();
  };
  const longest = await measureLongest(browser, reload, async () => {
    // Scrolled to the end, page after page; only what is in sight is drawn.
    const scroller = page.locator('.rows-scroll');
    await expect
      .poll(
        async () => {
          await scroller.evaluate((element) => (element.scrollTop = element.scrollHeight));
          expect(await app.rows.count()).toBeLessThan(60);
          return scroller.evaluate((element) => element.scrollHeight);
        },
        { timeout: 120_000, intervals: [50] },
      )
      .toBeGreaterThan((MANY - AT_ONCE) * 54 - 1);

    await page.getByTestId('search').fill('status:failed');
    await expect(app.rows).toHaveCount(1);
    await expect(page).toHaveURL(/\?q=status%3Afailed$/);
  });
  expect(longest.ms, `the longest tasks of each time:\n${longest.words}`).toBeLessThanOrEqual(LONG_TASK_MS);
  await page.reload();
  await app.isLive();
  await expect(app.rows, 'the address names the search').toHaveCount(1);
});

test('several are chosen and stopped', async ({ app, page, api }) => {
  await page.reload();
  const ids = [];
  for (let n = 0; n < 3; n += 1) {
    ids.push((await api.start({ scriptName: 'quick' })).id);
  }
  await expect(app.rows).toHaveCount(3);
  for (const row of await app.rows.all()) {
    await row.hover();
    await row.getByTestId('row-choice').check();
  }
  await expect(page.getByTestId('bulk')).toContainText('3 chosen');
  await page.getByTestId('bulk-restart').click();
  await expect(page.getByTestId('bulk')).toBeHidden();
  for (const id of ids) {
    await expect.poll(async () => (await api.process(id)).attempts.length).toBe(2);
  }
});

test('the overview counts all that failed, however many', async ({ app, page, api }) => {
  test.setTimeout(120_000);
  const count = 620;
  for (let started = 0; started < count; started += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => api.start({ scriptName: 'slow' })));
  }
  await app.isLive();
  const tile = page.getByTestId('tiles').locator('.tile').filter({ hasText: 'Failed in 24 hours' });
  await expect(tile.locator('dd').first()).toHaveText(String(count), { timeout: 60_000 });
  await expect(page.getByTestId('failed')).toContainText(`and ${count - 12} more`);
});

test('several that run are chosen and stopped', async ({ app, page, api }) => {
  await app.isLive();
  const ids: string[] = [];
  for (let n = 0; n < 4; n += 1) {
    ids.push((await api.start({ scriptName: 'sleep' })).id);
  }
  await expect(page.locator('[data-testid="process-row"][data-status="running"]')).toHaveCount(4);
  for (const id of ids.slice(0, 3)) {
    const row = page.locator(`[data-testid="process-row"][data-id="${id}"]`);
    await row.hover();
    await row.getByTestId('row-choice').check();
  }
  await page.getByTestId('bulk-stop').click();
  await expect(page.getByTestId('bulk')).toBeHidden();
  for (const id of ids.slice(0, 3)) {
    await expect.poll(async () => (await api.process(id)).status).toBe('stopped');
    await expect(page.locator(`[data-testid="process-row"][data-id="${id}"]`)).toHaveAttribute('data-status', 'stopped');
  }
  expect((await api.process(ids[3] ?? '')).status, 'the one that was not chosen goes on').toBe('running');
});
