import { resolve } from 'node:path';

import { expect, test } from '../support/fixtures.ts';

const SCREENS = resolve(import.meta.dirname, '../test-results/screens');

const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

for (const { name, colorScheme, viewport } of LOOKS) {
  test.describe(name, () => {
    test.use({ colorScheme, viewport });

    test(`list and detail in ${name}`, async ({ app, page, api }) => {
      await api.start({ scriptName: 'fail' });
      await api.start({ scriptName: 'burst', args: ['2000'] });
      const { id } = await api.start({ scriptName: 'tick' });
      await expect(app.rows).toHaveCount(3);
      await page.screenshot({ path: `${SCREENS}/list-${name}.png` });

      await app.open(id);
      await expect.poll(() => app.lastIdx()).toBeGreaterThan(8);
      await page.screenshot({ path: `${SCREENS}/detail-${name}.png` });

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
      expect(lightness > 128 ? 'light' : 'dark').toBe(colorScheme);
    });
  });
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
