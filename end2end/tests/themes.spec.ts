import { resolve } from 'node:path';

import type { Page } from '@playwright/test';

import { expect, test } from '../support/fixtures.ts';

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

      test(`every page at ${viewport.width} in ${colorScheme}`, async ({ app, page, api }) => {
        const keep = (what: string) =>
          page.screenshot({ path: `${SCREENS}/${what}-${name}-${colorScheme}.png`, scale: 'css' });
        await api.start({ scriptName: 'burst', args: ['12'] });
        const failed = await api.start({ scriptName: 'burst', args: ['twelve'] });
        await api.start({ scriptName: 'fail' });
        const { id } = await api.start({ scriptName: 'tick' });
        await expect(app.rows).toHaveCount(4);
        await expect.poll(async () => (await api.process(failed.id)).status).toBe('failed');
        await page.reload();
        await app.isLive();
        await expect(page.getByTestId('tiles')).toBeAttached();
        await keep('list');

        await app.open(id);
        await expect.poll(() => app.lastIdx()).toBeGreaterThan(8);
        await keep('detail');
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
          await keep(tab);
        }
        await page.goto('/search?q=track');
        await expect(page.getByTestId('search-state')).toHaveAttribute('data-done', 'true');
        await keep('search');
        await page.goto(`/processes/${failed.id}/compare`);
        await expect(page.getByTestId('compare')).toBeVisible();
        await keep('compare');
        expect(await theme(page)).toBe(colorScheme);
      });
    });
  }
}

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
