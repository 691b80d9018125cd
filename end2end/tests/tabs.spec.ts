import type { Page } from '@playwright/test';

import { expect, expectNoSidewaysScroll, test } from '../support/fixtures.ts';

/** Opens a tab by its link. */
async function openTab(page: Page, name: string): Promise<void> {
  await page.getByTestId(`tab-${name}`).click();
  await expect(page).toHaveURL(new RegExp(`/processes/[0-9a-f-]+/${name}$`));
  await expect(page.getByTestId(`tab-${name}`)).toHaveAttribute('aria-current', 'page');
}

test.describe('a service that fails', () => {
  test.use({
    files: {
      'package.json': '{ "name": "own" }',
      'runyard.toml': `
[process.flaky]
command = ["sh", "-c", "exit 3"]
type = "long-running"
autostart = true
env = { API_TOKEN = "hunter2" }
restart = { when = "always", delay_ms = 1, factor = 1.0, jitter = 0.0 }
breaker = { failures = 60, within_s = 3600, cooldown_s = 0 }
`,
    },
    serverEnv: { RUNYARD_RUN__ENV_ALLOW: 'NODE_*,API_TOKEN' },
  });

  test('shows every attempt, page by page, and where its lines are', async ({ app, page, api }) => {
    const id = await flaky(api);
    await app.open(id);
    await app.hasStatus('backing_off');
    await expect(app.detail.getByTestId('breaker')).toHaveText('breaker open');

    await openTab(page, 'attempts');
    const rows = page.getByTestId('attempt');
    await expect(rows).toHaveCount(50);
    await expect(rows.first()).toHaveAttribute('data-n', '60');
    await expect(rows.first()).toContainText('code 3');
    await expect(page.getByTestId('attempt-bars').locator('g')).toHaveCount(50);
    await page.getByTestId('older').click();
    await expect(rows).toHaveCount(10);
    await expect(rows.last()).toHaveAttribute('data-n', '1');
    await expect(page).toHaveURL(/attempts\?before=11$/);
    await page.goBack();
    await expect(rows).toHaveCount(50);

    // A new attempt comes into the open page by itself.
    await app.detail.getByTestId('restart').click();
    await expect(rows.first()).toHaveAttribute('data-n', '61');
    await rows.first().getByRole('link').click();
    await expect(page).toHaveURL(new RegExp(`/processes/${id}\\?line=\\d+$`));
    await expect(app.lines.first()).toBeVisible();
  });

  test('tells its configuration, and no secret', async ({ app, page, api }) => {
    await app.open(await flaky(api));
    await openTab(page, 'configuration');
    const start = page.getByTestId('configuration');
    await expect(start).toContainText('[process.flaky]');
    const tab = page.getByTestId('tab-page');
    await expect(tab).toContainText('breaker.failures');
    await expect(page.getByTestId('environment')).toContainText('API_TOKEN');
    expect(await page.content()).not.toContain('hunter2');
    // The configuration of an attempt is the one with this hash.
    const hash = await start.locator('div', { hasText: 'Hash' }).locator('dd').textContent();
    await openTab(page, 'attempts');
    await expect(page.getByTestId('attempt').first()).toContainText(hash ?? 'no hash');
  });
});

async function flaky(api: {
  processes(): Promise<{ id: string; declared: string | null; attempts: { n: number }[] }[]>;
}): Promise<string> {
  let id = '';
  await expect
    .poll(async () => {
      const found = (await api.processes()).find((one) => one.declared === 'flaky');
      id = found?.id ?? '';
      return found?.attempts.at(-1)?.n;
    })
    .toBe(60);
  return id;
}

test('figures are drawn and go on, and the audit tells who did it', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await app.open(id);
  await openTab(page, 'figures');
  const chart = page.getByTestId('chart-cpu').getByRole('img');
  await expect(chart).toHaveAttribute('aria-label', /^CPU over \d+ s: now .* %, mean .* %, peak .* %$/);
  await expect(page.getByTestId('chart-rss')).toContainText('MiB');
  const before = await chart.getAttribute('aria-label');
  await expect(chart).not.toHaveAttribute('aria-label', before ?? '');

  await openTab(page, 'audit');
  const rows = page.getByTestId('audit-row');
  await expect(rows).toHaveCount(1);
  await expect(rows.first()).toHaveAttribute('data-action', 'process.start');
  await app.detail.getByTestId('stop').click();
  await app.hasStatus('stopped');
  const told = (action: string) => page.locator(`[data-testid=audit-row][data-action="${action}"]`);
  await expect(told('process.stop')).toHaveCount(1);
  // What came of it is a line of its own, stored with the end itself.
  await page.reload();
  await openTab(page, 'audit');
  await expect(told('process.end')).toHaveAttribute('data-outcome', /^(SIG[A-Z]+|exit \d+)$/);
  await expect(rows).toHaveCount(3);
});

test('a chart tells a value and its time to the pointer and to the keyboard', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await app.open(id);
  await openTab(page, 'figures');
  const chart = page.getByTestId('chart-rss');
  await expect(chart).toBeVisible();
  const said = chart.getByTestId('looked-at-rss');
  await expect(said).toHaveCount(0);
  const box = await chart.locator('svg').boundingBox();
  if (box === null) {
    throw new Error('the chart is not drawn');
  }
  await page.mouse.move(box.x + 2, box.y + box.height / 2);
  await expect(said).toHaveText(/^[\d.]+ MiB · \d\d:\d\d:\d\d$/);
  const first = await said.textContent();
  await expect(page.getByTestId('looked-at-cpu'), 'the same moment in both').toHaveText(/^[\d.]+ % · /);
  await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2);
  await expect(said).not.toHaveText(first ?? '');
  await page.mouse.move(0, 0);
  await expect(said).toHaveCount(0);

  const look = chart.getByRole('slider', { name: 'Memory at a time' });
  await look.focus();
  const newest = await said.textContent();
  await page.keyboard.press('Home');
  await expect(said).toHaveText(first ?? '');
  await expect(look).toHaveAttribute('aria-valuetext', first ?? '');
  expect(newest).not.toBe(first);
});

test('a sparkline tells a value and its time', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await expect(app.rows).toHaveCount(1);
  const spark = app.rows.first().getByTestId('spark');
  await expect(spark).toHaveAttribute('aria-label', /^[\d.]+ % CPU, [\d.]+ MiB$/);
  await spark.hover();
  await expect(page.getByTestId('tip')).toHaveText(/^[\d.]+ % CPU, [\d.]+ MiB · \d\d:\d\d:\d\d$/);
  await page.mouse.move(640, 700);
  await expect(page.getByTestId('tip')).toHaveCount(0);
  // With the sparkline goes what it told.
  await spark.hover();
  await expect(page.getByTestId('tip')).toHaveCount(1);
  await api.stop(id);
  await expect(spark).toHaveCount(0);
  await expect(page.getByTestId('tip')).toHaveCount(0);
});

test('an attempt that runs gets longer, and leads to its lines', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await app.open(id);
  await openTab(page, 'attempts');
  const row = page.getByTestId('attempt').first();
  await expect(row).toContainText('running');
  const duration = row.locator('[data-since]');
  const before = (await duration.textContent()) ?? '';
  await expect(duration).not.toHaveText(before);
  await expect(row.getByRole('link')).toHaveText('0–…');
  await row.getByRole('link').click();
  await expect(page).toHaveURL(/\?line=0$/);
});

test('tabs are reached by the keyboard, and without scripts', async ({ app, browser, page, api }) => {
  const { id } = await api.start({ scriptName: 'burst', args: ['10'] });
  await app.open(id);
  await page.getByTestId('tab-').focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/attempts$/);
  await expect(page.getByTestId('attempt')).toHaveCount(1);

  const storageState = await page.context().storageState();
  const context = await browser.newContext({ javaScriptEnabled: false, storageState });
  const plain = await context.newPage();
  for (const tab of ['attempts', 'figures', 'configuration', 'audit']) {
    await plain.goto(new URL(`/processes/${id}/${tab}`, page.url()).href);
    await expect(plain.getByTestId('tab-page')).not.toBeEmpty();
    await expect(plain.getByTestId('detail').getByTestId('stop')).toBeVisible();
  }
  const unknown = await plain.goto(new URL(`/processes/${id}/nothing`, page.url()).href);
  expect(unknown?.status()).toBe(404);
  await expect(plain.getByTestId('alert')).toContainText('attempts, figures, configuration and audit');
  await context.close();
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

  test('no tab makes the page scroll sideways', async ({ app, page, api }) => {
    const { id } = await api.start({ scriptName: 'tick' });
    await app.open(id);
    for (const tab of ['attempts', 'figures', 'configuration', 'audit']) {
      await openTab(page, tab);
      await expectNoSidewaysScroll(page, tab);
    }
  });
});
