import { expect, test } from '../support/fixtures.ts';

test('the overview tells what is busy, what logs take and what stays of them', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  const busy = page.getByTestId('busy').getByRole('listitem');
  await expect(busy, 'looked at every two seconds, asked every ten').toHaveCount(1, { timeout: 20_000 });
  await expect(busy).toContainText(/tick.*\d % CPU.*MiB/);
  await expect(page.getByTestId('log-usage')).toContainText(/Logs.*B.*kept for ever/);
  await busy.getByRole('link').click();
  await expect(page).toHaveURL(new RegExp(`/processes/${id}/figures$`));
  await expect(app.detail).toBeVisible();
});

test.describe('with a bound', () => {
  test.use({ serverEnv: { RUNYARD_LOGS__KEEP_DAYS: '30', RUNYARD_LOGS__MAX_BYTES: '1073741824' } });

  test('it says what is kept', async ({ app, page }) => {
    await app.isLive();
    const usage = page.getByTestId('log-usage');
    await expect(usage).toContainText('30 days, at most 1.0 GiB; nothing goes within a day');
  });
});

test('what is started most stands first', async ({ app, page, api }) => {
  const first = page.getByTestId('script-row').first();
  await expect(first).toHaveAttribute('data-script', 'dev');
  await api.start({ scriptName: 'fail' });
  await api.start({ scriptName: 'burst', args: ['1'] });
  await api.start({ scriptName: 'fail' });
  await page.reload();
  await app.isLive();
  const names = await page
    .getByTestId('script-row')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-script')));
  expect(names).toEqual(['fail', 'burst', 'dev', 'build', 'tick', 'stubborn']);
});
