import type { Page } from '@playwright/test';

import { expect, test } from '../support/fixtures.ts';

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

test('list, detail and back on a phone', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await expect(app.rows).toHaveCount(1);
  await expect(app.detail).toBeHidden();
  await expectNoSidewaysScroll(page);

  await app.open(id);
  await expect(app.list).toBeHidden();
  await expect(app.lines.first()).toBeVisible();
  await expectNoSidewaysScroll(page);

  await page.getByRole('link', { name: /back|processes/i }).filter({ visible: true }).first().click();
  await expect(app.list).toBeVisible();
  await expect(app.detail).toBeHidden();
  await expect(page).not.toHaveURL(/processes/);
});

test('the start dialog fits on a phone', async ({ app, page }) => {
  await app.isLive();
  await page.getByTestId('start-open').click();
  const dialog = page.getByTestId('start-dialog');
  await expect(dialog).toBeVisible();
  await expect(dialog.getByTestId('start-submit')).toBeInViewport();
  await expectNoSidewaysScroll(page);
});

async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const wider = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(wider, 'the page scrolls sideways').toBe(0);
}
