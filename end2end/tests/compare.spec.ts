import { expect, test } from '../support/fixtures.ts';

test('a run is put beside the last one that succeeded', async ({ app, page, api }) => {
  const good = await api.start({ scriptName: 'burst', args: ['40'] });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'completed');
  const bad = await api.start({ scriptName: 'burst', args: ['none'] });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');

  await app.open(bad.id);
  await page.getByTestId('compare-link').click();
  const table = page.getByTestId('compare');
  await expect(table).toBeVisible();
  await expect(table.locator('th a').nth(0)).toHaveAttribute('href', `/processes/${bad.id}`);
  await expect(table.locator('th a').nth(1)).toHaveAttribute('href', `/processes/${good.id}`);
  const first = table.locator('#first');
  await expect(first).toBeInViewport();
  await expect(page.getByTestId('compare-summary')).toContainText('lines differ');
  await expect(table).toContainText('none is no number of lines');
});

test('without a success there is nothing to compare with', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'fail' });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');
  await page.goto(`/processes/${id}/compare`);
  await expect(page.getByRole('main')).toContainText('No run of fail succeeded');
});
