import { readFile } from 'node:fs/promises';

import type { Page } from '@playwright/test';

import type { Api } from '../support/api.ts';
import { hasEnded } from '../support/contract.ts';
import { expect, test, type AppPage } from '../support/fixtures.ts';

const MANY = 1_000_000;

/** The indexes of the lines that are drawn, in their order on screen. */
function drawn(app: AppPage): Promise<number[]> {
  return app.lines.evaluateAll((lines) => lines.map((line) => Number(line.getAttribute('data-idx'))));
}

/** The first line in sight. */
function firstInSight(app: AppPage): Promise<number> {
  return app.log.evaluate((log) => {
    const top = log.getBoundingClientRect().top;
    const lines = [...log.querySelectorAll('[data-testid=log-line]')];
    const first = lines.find((line) => line.getBoundingClientRect().bottom > top + 1);
    return Number(first?.getAttribute('data-idx') ?? -1);
  });
}

function hasNoHole(indexes: number[]): boolean {
  return indexes.every((idx, at) => at === 0 || idx === (indexes[at - 1] ?? 0) + 1);
}

async function burst(app: AppPage, api: Api, lines: number): Promise<{ id: string; nextIdx: number }> {
  const id = await app.startWith('burst', String(lines));
  await app.hasStatus('completed');
  const { nextIdx } = await api.process(id);
  await expect.poll(() => app.lastIdx()).toBe(nextIdx - 1);
  return { id, nextIdx };
}

async function wheel(page: Page, app: AppPage, pixels: number): Promise<void> {
  await app.log.hover();
  await page.mouse.wheel(0, pixels);
}

test('a log of a million lines is read from its end to its first line and back', async ({ app, page, api }) => {
  test.setTimeout(240_000);
  const id = await app.startWith('burst', String(MANY));
  await expect.poll(async () => hasEnded(await api.process(id)), { timeout: 180_000 }).toBe(true);
  const { nextIdx } = await api.process(id);
  expect(nextIdx).toBeGreaterThan(MANY);
  await expect.poll(() => app.lastIdx()).toBe(nextIdx - 1);

  // Up through many pages: what is drawn has no hole and stays little.
  let before = nextIdx;
  for (let round = 0; round < 30; round += 1) {
    await wheel(page, app, -8_000);
    await expect.poll(() => firstInSight(app), 'the log goes on upwards').toBeLessThan(before);
    before = await firstInSight(app);
    const indexes = await drawn(app);
    expect(hasNoHole(indexes), indexes.join(' ')).toBe(true);
    expect(indexes.length).toBeLessThan(200);
  }
  expect(before).toBeLessThan(nextIdx - 5_000);

  await app.log.focus();
  await page.keyboard.press('g');
  await expect.poll(() => firstInSight(app)).toBe(0);
  let last = 0;
  for (let round = 0; round < 10; round += 1) {
    await wheel(page, app, 8_000);
    await expect.poll(() => firstInSight(app), 'and downwards').toBeGreaterThan(last);
    last = await firstInSight(app);
    expect(hasNoHole(await drawn(app))).toBe(true);
  }
  await page.keyboard.press('G');
  await expect.poll(() => app.lastIdx()).toBe(nextIdx - 1);
});

test('the place stays when a page comes in above it', async ({ app, page, api }) => {
  await burst(app, api, 20_000);
  await wheel(page, app, -16_000);
  await expect.poll(() => firstInSight(app)).toBeLessThan(19_500);
  await page.waitForLoadState('networkidle');
  const place = await firstInSight(app);
  // A page that came in above must not move what is read.
  await wheel(page, app, -20);
  await page.waitForLoadState('networkidle');
  expect(Math.abs((await firstInSight(app)) - place)).toBeLessThanOrEqual(2);
});

test('a line and a time are gone to', async ({ app, page, api }) => {
  const { id, nextIdx } = await burst(app, api, 30_000);
  const goto = page.getByTestId('log-goto');
  await goto.fill('12,345');
  await goto.press('Enter');
  await expect(page.locator('[data-idx="12345"]')).toBeInViewport();

  // Of a time that many lines have, the first is shown; it is far from what was in sight.
  const all: { idx: number; ts: number }[] = [];
  for await (const { idx, ts } of api.entries(id)) {
    all.push({ idx, ts });
  }
  const ts = all[25_000]?.ts ?? 0;
  const first = all.find((one) => one.ts >= ts)?.idx ?? 0;
  expect(first).toBeGreaterThan(13_000);
  await goto.fill(new Date(ts).toISOString());
  await goto.press('Enter');
  await expect(page.locator(`[data-testid=log-line][data-idx="${first}"]`)).toBeInViewport();
  await expect(page.locator('[data-idx="12345"]')).toHaveCount(0);

  await goto.fill(new Date((all.at(-1)?.ts ?? 0) + 60_000).toISOString());
  await goto.press('Enter');
  await expect.poll(() => app.lastIdx()).toBe(nextIdx - 1);

  await goto.fill('nonsense');
  await goto.press('Enter');
  await expect(app.alert).toContainText('no line and no time');
});

test('the log over time is gone through by keyboard', async ({ app, page, api }) => {
  const { nextIdx } = await burst(app, api, 60_000);
  const slider = page.getByRole('slider', { name: 'Log over time' });
  await expect(slider).toHaveAttribute('aria-valuemin', '0');
  await expect(slider).toHaveAttribute('aria-valuemax', /^\d{2,}$/);
  const now = async () => Number(await slider.getAttribute('aria-valuenow'));
  await slider.focus();
  await page.keyboard.press('Home');
  await expect(page.locator('[data-testid=log-line][data-idx="0"]')).toBeInViewport();
  await expect.poll(now).toBe(0);
  await expect(slider).toHaveAttribute('aria-valuetext', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, [\d,]+ lines, \d+ errors, \d+ warnings$/);
  let before = 0;
  for (const key of ['ArrowRight', 'ArrowRight', 'PageUp']) {
    await page.keyboard.press(key);
    await expect.poll(now, key).toBeGreaterThan(before);
    before = await now();
  }
  const place = await firstInSight(app);
  expect(place).toBeGreaterThan(0);
  await page.keyboard.press('ArrowLeft');
  await expect.poll(now).toBeLessThan(before);
  await expect.poll(() => firstInSight(app)).toBeLessThan(place);
  await page.keyboard.press('End');
  await expect.poll(() => app.lastIdx(), 'the end is the end of the log').toBe(nextIdx - 1);
  await expect.poll(now).toBeGreaterThan(before);
});

test('lines are copied that are not loaded, and not more than is good', async ({ app, page, api }) => {
  const { id } = await burst(app, api, 70_000);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(`/processes/${id}?line=100-20099`);
  await app.isLive();
  await expect(page.getByTestId('selection')).toContainText('Lines 100 to 20099');
  await page.getByTestId('copy-lines').click();
  await expect(page.getByTestId('copy-lines')).toHaveText('Copied');
  const copied = (await page.evaluate(() => navigator.clipboard.readText())).split('\n');
  const expected: string[] = [];
  for await (const { idx, line } of api.entries(id)) {
    if (idx >= 100 && idx <= 20_099) {
      expected.push(line);
    }
  }
  expect(copied).toEqual(expected);

  await page.goto(`/processes/${id}?line=100-60099`);
  await app.isLive();
  await page.getByTestId('copy-lines').click();
  await expect(app.alert).toContainText('60,000 lines are chosen and at most 50,000 can be copied');
  expect((await page.evaluate(() => navigator.clipboard.readText())).split('\n')).toHaveLength(20_000);
});

test('a permalink opens its lines among their neighbours', async ({ app, page, api }) => {
  const { id } = await burst(app, api, 30_000);
  await page.goto(`/processes/${id}?line=15000-15002`);
  const chosen = page.locator('.line.selected');
  await expect(chosen).toHaveCount(3);
  await expect(chosen.first()).toBeInViewport();
  await expect(chosen.first()).toHaveAttribute('data-idx', '15000');
  expect(await firstInSight(app)).toBeLessThan(15_000);
  await expect(page.getByTestId('selection')).toContainText('Lines 15000 to 15002');

  // A click chooses another one, and the address says so.
  await page.locator('[data-idx="15001"] .no').click();
  await expect(page).toHaveURL(/line=15001$/);
  await page.locator('[data-idx="15003"] .no').click({ modifiers: ['Shift'] });
  await expect(page).toHaveURL(/line=15001-15003$/);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByTestId('copy-lines').click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied.split('\n')).toHaveLength(3);
  expect(copied).toMatch(/^burst line \d+ of 30000\nburst/);
});

test('what is searched for is counted and found where nothing is loaded', async ({ app, page, api }) => {
  await burst(app, api, 50_000);
  await app.log.focus();
  await page.keyboard.press('/');
  const search = page.getByTestId('log-search');
  await expect(search).toBeFocused();
  await search.fill('line 0123');
  await expect(page.getByTestId('log-search-count')).toHaveText('10 lines');
  await search.press('Shift+Enter');
  await expect(page.getByTestId('log-search-previous')).toBeEnabled();
  await search.press('Enter');
  const mark = page.locator('.line mark').first();
  await expect(mark).toHaveText('line 0123');
  await expect(mark).toBeInViewport();
  const first = await firstInSight(app);
  await search.press('Enter');
  await expect(mark).toBeInViewport();
  expect(Math.abs((await firstInSight(app)) - first)).toBeLessThan(200);

  await page.getByTestId('log-search-regex').click();
  await search.fill('line 0*(1|777) of');
  await expect(page.getByTestId('log-search-count')).toHaveText('2 lines');
  await search.fill('(');
  await expect(page.getByTestId('log-search-count')).toContainText('no regular expression');
});

test('next and previous go to lines that are not loaded, over the ends and back', async ({ app, page, api }) => {
  await burst(app, api, 50_000);
  const search = page.getByTestId('log-search');
  await search.fill('line 0?\\d0007 of');
  await page.getByTestId('log-search-regex').click();
  // 00007, 10007, 20007, ... of which only the last could be loaded, and is not.
  await expect(page.getByTestId('log-search-count')).toHaveText('5 lines');
  const shown = async () => {
    const rows = await page.locator('.line:has(mark)').evaluateAll((lines) =>
      lines
        .filter((line) => {
          const { top, bottom } = line.getBoundingClientRect();
          return top > 0 && bottom < window.innerHeight;
        })
        .map((line) => /line 0*(\d+) of/.exec(line.textContent ?? '')?.[1]),
    );
    return rows.join();
  };
  for (const expected of ['40007', '30007', '20007', '10007', '7']) {
    await search.press('Enter');
    await expect.poll(shown).toBe(expected);
  }
  for (const expected of ['10007', '20007', '30007']) {
    await search.press('Shift+Enter');
    await expect.poll(shown).toBe(expected);
  }
});

test('f follows again, from anywhere in the history', async ({ app, page, api }) => {
  const id = await app.start('tick');
  await expect.poll(async () => (await api.process(id)).nextIdx).toBeGreaterThan(5);
  await page.setViewportSize({ width: 1280, height: 360 });
  await expect.poll(() => app.log.evaluate((log) => log.scrollHeight - log.clientHeight), { timeout: 45_000 }).toBeGreaterThan(60);
  await wheel(page, app, -10_000);
  await expect(app.follow).toBeVisible();
  await app.log.focus();
  await page.keyboard.press('f');
  await expect(app.follow).toBeHidden();
  const before = await app.lastIdx();
  await expect.poll(() => app.lastIdx(), 'what comes is shown').toBeGreaterThan(before);
  await expect.poll(() => app.log.evaluate((log) => log.scrollHeight - log.clientHeight - log.scrollTop)).toBeLessThan(5);
});

test('streams and levels are told apart, and a stack goes with its error', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'fail' });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');
  await app.open(id);
  const all = await app.lines.count();
  await page.getByTestId('log-stream').selectOption('stderr');
  await expect(app.lines.and(page.locator('[data-type="stdout"]'))).toHaveCount(0);
  await expect(app.lines.first()).toHaveAttribute('data-type', 'stderr');
  await page.getByTestId('log-stream').selectOption('');
  await page.getByTestId('log-level').selectOption('error');
  await expect(app.lines.first()).toContainText('gate of track 4 does not answer');
  await expect(app.lines.nth(1)).toHaveClass(/cont/);
  const kept = await app.lines.count();
  expect(kept).toBeGreaterThan(1);
  expect(kept).toBeLessThan(all);

  await page.getByTestId('log-view-menu').click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('download-text').click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^fail-.*\.log$/);
  const text = await readFile(await download.path(), 'utf8');
  expect(text.trimEnd().split('\n')).toHaveLength(kept);
});

test('times and wrapping are chosen and kept', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'burst', args: ['500'] });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'completed');
  await app.open(id);
  await page.getByTestId('log-view-menu').click();
  await page.getByTestId('log-times').selectOption('relative');
  await expect(app.lines.last().locator('.ts')).toHaveText(/^\+\d+\.\d{3}$/);
  await page.getByTestId('log-wrap').check();
  await page.keyboard.press('Escape');
  await page.reload();
  await app.isLive();
  await expect(app.lines.last().locator('.ts')).toHaveText(/^\+/);
  await expect(app.log).toHaveClass(/wrapped/);
  await expect.poll(() => app.lastIdx()).toBeGreaterThan(499);
});
