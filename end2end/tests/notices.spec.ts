import type { Page } from '@playwright/test';

import { expect, test } from '../support/fixtures.ts';

/** The page is looked at, or it is not: what a browser says of a tab that another one covers. */
async function look(page: Page, isThere: boolean): Promise<void> {
  await page.evaluate((isHidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, !isThere);
}

test('what ends while the page is hidden is listed, and told by the browser if that is wanted', async ({
  app,
  page,
  api,
  context,
}) => {
  await context.grantPermissions(['notifications']);
  await page.evaluate(() => {
    const told: string[] = [];
    Object.assign(window, { told });
    const proxy = new Proxy(window.Notification, {
      construct(target, [title, options]: [string, NotificationOptions]) {
        told.push(`${title}: ${options.body ?? ''}`);
        return Reflect.construct(target, [title, options]) as Notification;
      },
    });
    window.Notification = proxy;
  });
  const notices = page.getByTestId('notice');
  await api.start({ scriptName: 'fail' });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');
  await expect(page.getByTestId('notices'), 'what one sees needs no notice').toHaveAttribute('data-count', '0');

  await page.getByTestId('notices-menu').click();
  await page.getByTestId('notices-loud').check();
  await expect(page.getByTestId('notices-loud')).toBeChecked();
  await page.keyboard.press('Escape');
  await look(page, false);
  const { id } = await api.start({ scriptName: 'fail' });
  await expect(page.getByTestId('notices')).toHaveAttribute('data-count', '1');
  await look(page, true);
  expect(await page.evaluate(() => (window as unknown as { told: string[] }).told)).toEqual([
    'fail failed: exit code 3',
  ]);

  await page.getByTestId('notices-menu').click();
  await expect(notices).toHaveCount(1);
  await expect(notices).toContainText('exit code 3');
  await notices.click();
  await expect(page).toHaveURL(new RegExp(`/processes/${id}$`));
  await page.getByTestId('notices-menu').click();
  await page.getByTestId('notices-clear').click();
  await expect(page.getByTestId('notices')).toHaveAttribute('data-count', '0');
});

test('what ended while the page was closed is listed when it is opened', async ({ app, page, api, runyard }) => {
  await app.isLive();
  await page.goto('about:blank');
  const { id } = await api.start({ scriptName: 'fail' });
  await expect.poll(async () => (await api.process(id)).status).toBe('failed');
  await page.goto(runyard.url);
  await app.isLive();
  await expect(page.getByTestId('notices')).toHaveAttribute('data-count', '1');
  await page.getByTestId('notices-menu').click();
  await expect(page.getByTestId('notice')).toHaveAttribute('data-id', id);
});

test('what ended while the server could not be reached is listed', async ({ app, page, api, runyard }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await app.open(id);
  await runyard.killServer();
  await expect(app.connection).not.toHaveAttribute('data-state', 'live');
  const { pid } = await app.fact('pid').evaluate((fact) => ({ pid: Number(fact.textContent) }));
  process.kill(pid, 'SIGKILL');
  await runyard.startServer();
  await app.isLive();
  await app.hasStatus('failed');
  await expect(page.getByTestId('notices')).toHaveAttribute('data-count', '1');
});
