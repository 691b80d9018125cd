import { countColours, expect, test } from '../support/fixtures.ts';
import { isAlive, isPortFree, waitUntil } from '../support/processes.ts';

const VITE_PORT = 5173;

// Vite sees that its output is no terminal; this passes through to it.
test.use({ serverEnv: { FORCE_COLOR: '1' } });

test('the dev server is started, followed and stopped', async ({ app, page, api }) => {
  expect(await isPortFree(VITE_PORT), `port ${VITE_PORT} is needed for this test`).toBe(true);

  const id = await app.start('dev');
  await app.hasStatus('running');
  await expect(app.fact('pid')).toHaveText(/\d+/);
  const pid = Number(/\d+/.exec((await app.fact('pid').textContent()) ?? '')?.[0]);
  expect(isAlive(pid)).toBe(true);
  await expect(app.rows.first()).toHaveAttribute('data-id', id);
  await expect(app.rows.first()).toHaveAttribute('data-status', 'running');

  await expect(app.lines.filter({ hasText: `127.0.0.1:${VITE_PORT}` })).not.toHaveCount(0);
  expect(await countColours(app.lines), 'Vite writes in colours').toBeGreaterThan(2);
  const site = await page.request.get(`http://127.0.0.1:${VITE_PORT}/`);
  expect(site.status()).toBe(200);
  expect(await site.text()).toContain('<script type="module"');

  await app.detail.getByTestId('stop').click();
  await app.hasStatus('stopped');
  await waitUntil('the port is free again', () => isPortFree(VITE_PORT));
  expect(isAlive(pid)).toBe(false);

  await expect(app.fact('reason')).not.toBeEmpty();
  const process = await api.process(id);
  await expect(app.fact('exit')).toContainText(process.signal ?? String(process.exitCode));
  await expect(app.fact('duration')).toHaveText(/\d.*(ms|s|min)/);
  await expect(app.fact('cpu')).toHaveText(/\d.*(ms|s|min)/);
  await expect(app.fact('memory')).toHaveText(/\d.*(K|M|G)i?B/);
});

test('a restart is a new attempt of the same process', async ({ app, page, api }) => {
  const id = await app.start('tick');
  await app.hasStatus('running');
  const first = (await api.process(id)).pid;

  await app.detail.getByTestId('restart').click();
  await expect.poll(async () => (await api.process(id)).attempts.length).toBe(2);
  await expect.poll(async () => (await api.process(id)).status).toBe('running');
  const second = await api.process(id);
  expect(second.pid).not.toBe(first);
  await expect(app.fact('pid')).toContainText(String(second.pid));
  await expect(page).toHaveURL(new RegExp(`/processes/${id}$`));
  await expect(app.rows).toHaveCount(1);
});

test('a signal is sent', async ({ app, page, api }) => {
  const id = await app.start('tick');
  await app.hasStatus('running');
  await app.detail.getByTestId('signal-menu').click();
  await page.getByTestId('signal-SIGKILL').click();
  await app.hasStatus('failed', 'stopped');
  await expect(app.fact('exit')).toContainText('SIGKILL');
  expect((await api.process(id)).signal).toBe('SIGKILL');
});
