import { expect, test } from '../support/fixtures.ts';

test('a stop shows at once, and is taken back when it is refused', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await app.open(id);
  await app.hasStatus('running');
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/api/ui/stop_process', async (route) => {
    await held;
    // A process that is not there: the server refuses in its own words.
    await route.continue({ postData: JSON.stringify({ id: 'nobody' }) });
  });
  await app.detail.getByTestId('stop').click();
  await app.hasStatus('stopping');
  await expect(app.fact('reason')).toHaveText('asked to end');
  await expect(app.rows.first()).toHaveAttribute('data-status', 'stopping');
  expect((await api.process(id)).status).toBe('running');
  answer();
  await expect(app.alert).toContainText('nobody');
  await app.hasStatus('running');
  await expect(app.fact('reason')).toContainText('running as pid');

  await page.unroute('**/api/ui/stop_process');
  await app.detail.getByTestId('stop').click();
  await app.hasStatus('stopped');
});

test('a restart shows at once, and is taken back when it is refused', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'burst', args: ['3'] });
  await app.open(id);
  await app.hasStatus('completed');
  const reason = (await app.fact('reason').textContent()) ?? '';
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/api/ui/restart_process', async (route) => {
    await held;
    await route.continue({ postData: JSON.stringify({ id: 'nobody' }) });
  });
  await expect(app.detail.getByTestId('restart')).toHaveText('Start again');
  await app.detail.getByTestId('restart').click();
  await app.hasStatus('starting');
  await expect(app.fact('reason')).toHaveText('asked to start again');
  await expect(app.rows.first()).toHaveAttribute('data-status', 'starting');
  await expect(app.detail.getByTestId('restart'), 'not twice').toBeDisabled();
  expect((await api.process(id)).status).toBe('completed');
  answer();
  await expect(app.alert).toContainText('nobody');
  await app.hasStatus('completed');
  await expect(app.fact('reason')).toHaveText(reason);
  expect((await api.process(id)).attempts).toHaveLength(1);

  await page.unroute('**/api/ui/restart_process');
  await app.detail.getByTestId('restart').click();
  await expect.poll(async () => (await api.process(id)).attempts.length).toBe(2);
  await app.hasStatus('completed');
});

test('a restart of what runs shows it stopping, and then the next attempt', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await app.open(id);
  await app.hasStatus('running');
  const pid = await app.fact('pid').textContent();
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/api/ui/restart_process', async (route) => {
    await held;
    await route.continue();
  });
  await app.detail.getByTestId('restart').click();
  await app.hasStatus('stopping');
  expect((await api.process(id)).attempts).toHaveLength(1);
  answer();
  await app.hasStatus('running');
  await expect(app.fact('pid')).not.toHaveText(pid ?? '');
  expect((await api.process(id)).attempts).toHaveLength(2);
});

test('the log shows only lines that fit, also those that come', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await app.open(id);
  await expect(app.lines.first()).toBeVisible();
  const all = await app.lines.count();
  await page.getByTestId('log-search').fill('wagon');
  await expect(page.getByTestId('log-search-count')).toHaveText(/^[\d,]+ lines?$/);
  await page.getByTestId('log-search-only').click();
  await expect(app.lines.filter({ hasNotText: 'wagon' })).toHaveCount(0);
  const shown = await app.lastIdx();
  await expect.poll(() => app.lastIdx(), 'it goes on').toBeGreaterThan(shown + 1);
  await expect(app.lines.filter({ hasNotText: 'wagon' })).toHaveCount(0);

  // What is found stays in sight when the others come back.
  await page.getByTestId('log-search').press('Enter');
  await page.getByTestId('log-search-only').click();
  await expect(app.lines.filter({ hasNotText: 'wagon' }).first()).toBeVisible();
  expect(await app.lines.count()).toBeGreaterThanOrEqual(all);
});
