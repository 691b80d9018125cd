import { expect, test } from '../support/fixtures.ts';

test('lines of all logs are found, newest first, and lead to their place', async ({ app, page, api }) => {
  const old = await api.start({ scriptName: 'burst', args: ['40000'] });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'completed');
  await api.start({ scriptName: 'fail' });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');

  await page.getByTestId('search-link').click();
  const box = page.getByTestId('search-all');
  const state = page.getByTestId('search-state');
  const hits = page.getByTestId('hit');
  await box.fill('gate of track');
  await expect(state).toHaveAttribute('data-done', 'true');
  await expect(hits.first()).toContainText('fail');
  await expect(hits.first().locator('mark')).toHaveText('gate of track');

  await box.fill('burst line 12345 of');
  await expect(hits).toHaveCount(1);
  await expect(state).toContainText('1 found in');
  await expect(page).toHaveURL(/\/search\?q=burst%20line%2012345/);
  await hits.first().click();
  await expect(page).toHaveURL(new RegExp(`/processes/${old.id}\\?line=\\d+$`));
  await expect(page.locator('.line.selected')).toContainText('burst line 12345 of 40000');
  await expect(page.locator('.line.selected')).toBeInViewport();
});

test('what cannot be searched for is said in words', async ({ app, page }) => {
  await app.isLive();
  await page.goto('/search');
  await app.isLive();
  await page.getByTestId('search-all-regex').click();
  await page.getByTestId('search-all').fill('(\\w{99}){99}');
  await expect(page.getByTestId('search-state')).toContainText('too costly');
  await page.getByTestId('search-all').fill('nothing has this');
  await expect(page.getByTestId('search-state')).toContainText('0 found in');
});
