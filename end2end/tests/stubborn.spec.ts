import { expect, test } from '../support/fixtures.ts';
import { treeOf } from '../support/processes.ts';

const GRACE_S = 2;

test.use({ serverEnv: { RUNYARD_RUN__GRACE_S: String(GRACE_S) } });

test('what ignores SIGTERM is killed after the grace', async ({ app, api }) => {
  const id = await app.start('stubborn');
  await app.hasStatus('running');
  // It says so once its handler is in place; a signal before would end it at once.
  await expect(app.log).toContainText('still here');
  const run = `${id}.1`;
  expect(treeOf(run).length).toBeGreaterThan(0);

  const asked = Date.now();
  await app.detail.getByTestId('stop').click();
  await app.hasStatus('stopping');
  expect(treeOf(run).length, 'it is given its grace').toBeGreaterThan(0);
  await app.hasStatus('stopped');

  expect(Date.now() - asked).toBeGreaterThan(GRACE_S * 1000 * 0.9);
  expect(treeOf(run), 'nobody is left').toEqual([]);
  // Its root, a package manager or a shell, may have ended at the first signal.
  await expect(app.fact('exit')).toContainText('SIG');
  await expect(app.fact('reason')).toContainText('stopped by admin');
  expect(await api.process(id)).toMatchObject({ status: 'stopped' });
});
