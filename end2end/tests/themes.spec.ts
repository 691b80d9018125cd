import { resolve } from 'node:path';

import type { Page } from '@playwright/test';

import { DECLARED_FILES } from '../support/declared.ts';
import { expect, expectNoSidewaysScroll, test } from '../support/fixtures.ts';
import { addPerson } from '../support/people.ts';

const SCREENS = resolve(import.meta.dirname, '../test-results/screens');

const WIDTHS = [
  { name: 'wide', viewport: { width: 1280, height: 800 } },
  { name: 'middle', viewport: { width: 834, height: 900 } },
  { name: 'phone', viewport: { width: 390, height: 844 } },
] as const;

for (const colorScheme of ['light', 'dark'] as const) {
  for (const { name, viewport } of WIDTHS) {
    test.describe(`${name}, ${colorScheme}`, () => {
      test.use({ colorScheme, viewport });

      const keep = async (page: Page, what: string): Promise<void> => {
        await expectNoSidewaysScroll(page, what);
        await page.mouse.move(0, 0);
        await page.screenshot({ path: `${SCREENS}/${what}-${name}-${colorScheme}.png`, scale: 'css' });
      };

      test(`every page at ${viewport.width} in ${colorScheme}`, async ({ app, page, api }) => {
        test.slow();
        await keep(page, 'empty');
        await api.start({ scriptName: 'burst', args: ['12'] });
        const failed = await api.start({ scriptName: 'burst', args: ['twelve'] });
        await api.start({ scriptName: 'fail' });
        const { id } = await api.start({ scriptName: 'tick' });
        await expect(app.rows).toHaveCount(4);
        await expect.poll(async () => (await api.process(failed.id)).status).toBe('failed');
        await page.reload();
        await app.isLive();
        await expect(page.getByTestId('busy')).toBeAttached({ timeout: 20_000 });
        await expect(page.getByTestId('spark').first()).toBeVisible();
        await keep(page, 'list');

        await page.getByTestId('start-open').click();
        await expect(page.getByTestId('start-args')).toBeVisible();
        await keep(page, 'start');
        await page.keyboard.press('Escape');
        await page.keyboard.press('Control+k');
        await expect(page.getByTestId('palette').getByRole('option').first()).toBeVisible();
        await keep(page, 'palette');
        await page.keyboard.press('Escape');
        await page.keyboard.press('?');
        await expect(page.getByTestId('help-dialog')).toBeVisible();
        await keep(page, 'keys');
        await page.keyboard.press('Escape');

        await app.open(id);
        await expect.poll(() => app.lastIdx()).toBeGreaterThan(8);
        await keep(page, 'detail');
        for (const tab of ['attempts', 'figures', 'configuration', 'audit']) {
          await page.getByTestId(`tab-${tab}`).click();
          await expect(page.getByTestId(`tab-${tab}`)).toHaveAttribute('aria-current', 'page');
          await expect(page.getByTestId('tab-page')).not.toBeEmpty();
          if (tab === 'figures') {
            await expect(page.getByTestId('chart-cpu')).toBeVisible();
          }
          if (tab === 'configuration') {
            await hidePaths(page);
          }
          await keep(page, tab);
        }
        const { id: long } = await api.start({ scriptName: 'burst', args: ['20000'] });
        await expect.poll(async () => (await api.process(long)).status).toBe('completed');
        await page.goto(`/processes/${long}?line=9000-9002`);
        await app.isLive();
        await page.getByTestId('log-search').fill('line 0900');
        await expect(page.getByTestId('log-search-count')).toHaveText(/lines$/);
        await expect(page.locator('.line mark').first()).toBeVisible();
        await keep(page, 'history');
        await page.goto('/search?q=track');
        await expect(page.getByTestId('search-state')).toHaveAttribute('data-done', 'true');
        await keep(page, 'search');
        await page.goto(`/processes/${failed.id}/compare`);
        await expect(page.getByTestId('compare')).toBeVisible();
        await keep(page, 'compare');
        expect(await theme(page)).toBe(colorScheme);
      });

      test(`every page of administration at ${viewport.width} in ${colorScheme}`, async ({
        app,
        page,
        api,
        runyard,
        browser,
      }) => {
        await app.isLive();
        await api.start({ scriptName: 'burst', args: ['1'] });
        await addPerson(page, 'ada', 'operator');
        await addPerson(page, 'grace', 'viewer');
        await keep(page, 'people');
        await page.goto('/tokens');
        await page.getByTestId('token-name').fill('ci');
        await page.getByTestId('token-scope').fill('start on site/build');
        await page.getByTestId('token-create').click();
        await page.getByTestId('token-text').evaluate((code, shown) => void (code.textContent = shown), TOKEN_SHOWN);
        await keep(page, 'tokens');
        for (const [path, what] of PLAIN_PAGES) {
          await page.goto(path);
          await expect(page.locator('h1')).toBeVisible();
          await keep(page, what);
        }
        await page.goto('/processes/nothing');
        await expect(page.getByTestId('alert')).toBeVisible();
        await app.isLive();
        await keep(page, 'missing');

        const context = await browser.newContext({ baseURL: runyard.url, colorScheme, viewport });
        const stranger = await context.newPage();
        await stranger.goto('/sign-in?refused=password');
        await expect(stranger.getByTestId('sign-in')).toBeVisible();
        await keep(stranger, 'sign-in');
        await context.close();

        await page.goto('/');
        await app.isLive();
        await runyard.killServer();
        await expect(app.connection).toHaveAttribute('data-state', 'offline', { timeout: 20_000 });
        await keep(page, 'offline');
        await runyard.startServer();
      });

      test.describe('with declared processes', () => {
        test.use({ files: DECLARED_FILES });

        test(`what is declared at ${viewport.width} in ${colorScheme}`, async ({ app, page, api }) => {
          for (let n = 0; n < 4; n += 1) {
            await api.start({ scriptName: 'build', strategy: { pool: 'builds' } });
          }
          await expect(page.locator('[data-testid="process-row"][data-status="backing_off"]')).toBeVisible();
          await page.reload();
          await app.isLive();
          await expect(page.getByTestId('declared')).toBeVisible();
          await expect(page.getByTestId('spark').first()).toBeVisible();
          await keep(page, 'declared');
          const flaky = (await api.processes()).find((one) => one.declared === 'mailer');
          await app.open(flaky?.id ?? '');
          await expect(app.detail.getByTestId('breaker')).toBeVisible();
          await keep(page, 'breaker');
        });
      });
    });
  }
}

/** In place of a token, which is another one every time. */
const TOKEN_SHOWN = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjaSIsInJvbGUiOiJhZG1pbiJ9.c2lnbmF0dXJl';

const PLAIN_PAGES = [
  ['/audit', 'audit-page'],
  ['/sessions', 'sessions'],
  ['/account', 'account'],
  ['/docs', 'docs'],
] as const;

/** The pictures are to be the same on every machine. */
function hidePaths(page: Page): Promise<void> {
  return page.getByTestId('tab-page').locator('code').evaluateAll((all) => {
    for (const code of all) {
      const text = code.textContent ?? '';
      const isPath = /^\/.*\/site$/.test(text);
      code.textContent = isPath ? '/srv/site' : text.includes(':/') ? '/usr/local/bin:/usr/bin:/bin' : text;
    }
  });
}

/** Light or dark, as the ground is. */
async function theme(page: Page): Promise<string> {
  const lightness = await page.evaluate(() => {
    const context = document.createElement('canvas').getContext('2d');
    if (context === null) {
      throw new Error('no canvas');
    }
    // The canvas paints any notation of a colour as numbers.
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
    return (red + green + blue) / 3;
  });
  return lightness > 128 ? 'light' : 'dark';
}

test('the chosen theme is kept', async ({ app, page }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await background();
  await expect
    .poll(async () => {
      await page.getByTestId('theme').click();
      return background();
    })
    .not.toBe(before);
  const chosen = await background();
  await page.reload();
  expect(await background()).toBe(chosen);
  await app.isLive();
});
