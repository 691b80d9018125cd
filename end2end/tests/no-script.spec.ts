import type { Locator, Page } from '@playwright/test';

import { expect, test } from '../support/fixtures.ts';

/** Sends a form, and waits for the page that answers: it may have the same address. */
async function submit(page: Page, button: Locator): Promise<void> {
  const loaded = page.waitForEvent('load');
  await button.click();
  await loaded;
}

test('without scripts a process is started, read and stopped', async ({ app, browser, api }) => {
  const storageState = await app.page.context().storageState();
  const context = await browser.newContext({ javaScriptEnabled: false, storageState });
  const page = await context.newPage();
  await page.goto(new URL('/', app.page.url()).href);
  const tick = page.locator('[data-testid="script-row"][data-script="tick"]');
  await submit(page, tick.getByTestId('script-start'));
  await expect(page).toHaveURL(/\/processes\/[0-9a-f-]+$/);
  await expect(page.getByTestId('detail').getByTestId('status')).toHaveAttribute('data-status', 'running');
  await expect
    .poll(async () => {
      await page.reload();
      return page.getByTestId('log-line').count();
    })
    .toBeGreaterThan(4);
  const line = page.locator('[data-idx="2"] a.no');
  await submit(page, line);
  await expect(page).toHaveURL(/\?line=2$/);
  await expect(page.locator('.line.selected')).toHaveAttribute('data-idx', '2');

  await submit(page, page.getByTestId('stop'));
  const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  await expect.poll(async () => (await api.process(id)).status).toBe('stopped');
  await page.reload();
  await expect(page.getByTestId('detail').getByTestId('status')).toHaveAttribute('data-status', 'stopped');
  await submit(page, page.getByTestId('restart'));
  await expect.poll(async () => (await api.process(id)).attempts.length).toBe(2);

  // A list that is searched is a form as well.
  await page.goto(new URL('/?q=status:running', app.page.url()).href);
  await expect(page.getByTestId('process-row')).toHaveCount(1);
  await context.close();
});

test('a form of another site is refused', async ({ app, runyard, request }) => {
  const cookies = (await app.page.context().cookies()).map(({ name, value }) => `${name}=${value}`);
  const refused = await request.post(`${runyard.url}/start`, {
    headers: { cookie: cookies.join('; '), origin: 'http://evil.example' },
    form: { project: 'site', script: 'tick' },
  });
  expect(refused.status()).toBe(403);
});

test.describe('a long list', () => {
  test.use({
    files: { 'package.json': '{ "name": "own", "scripts": { "true": "true", "odd": "exit 4" } }' },
    serverEnv: { RUNYARD_LIMITS__STARTS_PER_MINUTE: '1000000', RUNYARD_LIMITS__MAX_JOBS: '100' },
  });

  test('goes on behind its newest hundred, without scripts', async ({ app, browser, api }) => {
    const odd = await api.start({ scriptName: 'odd' });
    const ids: string[] = [];
    for (let n = 0; n < 105; n += 1) {
      ids.unshift((await api.start({ scriptName: 'true' })).id);
    }
    const storageState = await app.page.context().storageState();
    const context = await browser.newContext({ javaScriptEnabled: false, storageState });
    const page = await context.newPage();
    const listed = () =>
      page
        .getByTestId('process-row')
        .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')));
    await page.goto(new URL('/?q=true', app.page.url()).href);
    expect(await listed()).toEqual(ids.slice(0, 100));
    await submit(page, page.getByTestId('older-processes'));
    await expect(page).toHaveURL(/\?q=true&older=/);
    expect(await listed()).toEqual(ids.slice(100));
    await expect(page.getByTestId('older-processes')).toHaveCount(0);

    // A search goes over all of them, not only over the newest.
    for (const query of ['odd', 'status:failed', 'odd project:own status:failed']) {
      await page.goto(new URL(`/?q=${encodeURIComponent(query)}`, app.page.url()).href);
      expect(await listed(), query).toEqual([odd.id]);
      await expect(page.getByTestId('older-processes')).toHaveCount(0);
    }
    await context.close();

    // With scripts one scrolls on, and needs no link.
    await app.page.reload();
    await app.isLive();
    await expect(app.page.getByTestId('older-processes')).toBeHidden();
  });
});
