import { expect, test } from '../support/fixtures.ts';

test('from the sign-in to a stopped process without a mouse', async ({ app, page }) => {
  await page.keyboard.press('Control+k');
  await expect(page.getByTestId('palette')).toBeVisible();
  await page.keyboard.type('start tick');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/processes\//);
  await app.hasStatus('running');
  await expect(app.lines.first()).toBeVisible();

  await page.keyboard.press('Control+k');
  await page.keyboard.type('stop this');
  await page.keyboard.press('Enter');
  await app.hasStatus('stopped');

  // And by the tab key alone.
  await page.keyboard.press('s');
  await expect(page.getByTestId('start-dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('start-dialog')).toBeHidden();
});

test('single keys go through the list, to the search and to the help', async ({ app, page, api }) => {
  await api.start({ scriptName: 'fail' });
  await api.start({ scriptName: 'burst', args: ['10'] });
  await expect(app.rows).toHaveCount(2);
  await page.keyboard.press('j');
  await expect(app.rows.nth(0).getByRole('link')).toBeFocused();
  await page.keyboard.press('j');
  await expect(app.rows.nth(1).getByRole('link')).toBeFocused();
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await expect(app.detail).toBeVisible();

  await page.keyboard.press('?');
  const help = page.getByTestId('help-dialog');
  await expect(help).toBeVisible();
  await help.getByTestId('single-keys').uncheck();
  await page.keyboard.press('Escape');
  await expect(help).toBeHidden();
  // Who speaks to the computer can put them off.
  await page.keyboard.press('?');
  await expect(help).toBeHidden();
});
