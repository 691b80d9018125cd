import { expect, test } from '../support/fixtures.ts';
import { isAlive } from '../support/processes.ts';

const GRACE_S = 2;

test.use({ serverEnv: { RUNYARD_RUN__GRACE_S: String(GRACE_S) } });

test('what ignores SIGTERM is killed after the grace', async ({ app, api }) => {
  const id = await app.start('stubborn');
  await app.hasStatus('running');
  // It says so once its handler is in place; a signal before would end it at once.
  await expect(app.lines.and(app.page.locator('[data-type="stdout"]')).first()).toBeVisible();
  const { pid } = await api.process(id);

  const asked = Date.now();
  await app.detail.getByTestId('stop').click();
  await app.hasStatus('stopping');
  expect(isAlive(pid ?? 0)).toBe(true);
  await app.hasStatus('stopped');

  expect(Date.now() - asked).toBeGreaterThan(GRACE_S * 1000 * 0.9);
  expect(isAlive(pid ?? 0)).toBe(false);
  await expect(app.fact('exit')).toContainText('SIGKILL');
  await expect(app.fact('reason')).not.toBeEmpty();
  expect(await api.process(id)).toMatchObject({ status: 'stopped', signal: 'SIGKILL' });
});
