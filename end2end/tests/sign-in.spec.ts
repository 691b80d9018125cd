import { expect, test } from '../support/fixtures.ts';

test('the printed link opens the page signed in', async ({ page, runyard, app }) => {
  await app.isLive();
  expect(page.url(), 'the code is not left in the address').not.toContain('code=');

  const cookies = await page.context().cookies();
  expect(cookies).toHaveLength(1);
  expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
  expect(runyard.signInLink).toContain(runyard.url);
});

test('the code works once', async ({ app, browser, runyard }) => {
  await app.isLive();
  const stranger = await browser.newPage();
  await stranger.goto(runyard.signInLink);
  await expect(stranger).toHaveURL(/\/sign-in/);
  await expect(stranger.getByTestId('process-list')).toHaveCount(0);
  await stranger.goto(runyard.url);
  await expect(stranger).toHaveURL(/\/sign-in/);
  await stranger.close();
});

test('without a session there is nothing to see', async ({ page, request, runyard }) => {
  for (const path of ['/', '/processes/00000000-0000-7000-8000-000000000000']) {
    await page.goto(runyard.url + path);
    await expect(page).toHaveURL(/\/sign-in/);
  }
  for (const path of ['/api/processes', '/api/scripts', '/metrics']) {
    const response = await request.get(runyard.url + path);
    expect(response.status(), path).toBe(401);
    expect(response.headers()['content-type'], path).toContain('application/problem+json');
  }
  const started = await request.post(`${runyard.url}/api/processes`, {
    data: { scriptName: 'tick' },
  });
  expect(started.status()).toBe(401);
  for (const path of ['/healthz', '/readyz']) {
    expect((await request.get(runyard.url + path)).status(), path).toBe(200);
  }
});

test('another site cannot use the session', async ({ app, page, runyard, api }) => {
  await app.isLive();
  const response = await page.request.post(`${runyard.url}/api/processes`, {
    headers: { origin: 'http://elsewhere.example' },
    data: { scriptName: 'tick' },
  });
  expect(response.status()).toBe(403);
  expect(await api.processes()).toEqual([]);
});
