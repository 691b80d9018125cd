import { expect, test } from '../support/fixtures.ts';
import { PASSWORD, addPerson, signIn } from '../support/people.ts';

test('from the first link to an admin with a password', async ({ app, page, browser, runyard }) => {
  await app.isLive();
  await page.getByTitle('Your account').click();
  await expect(page).toHaveURL(/\/account$/);
  await page.getByTestId('password-new').fill(PASSWORD);
  await page.getByTestId('password-submit').click();
  await expect(page.getByTestId('notice')).toBeVisible();

  await page.getByTestId('sign-out').click();
  await expect(page).toHaveURL(/\/sign-in$/);
  const again = await signIn(browser, runyard.url, 'admin');
  await expect(again.getByTestId('connection')).toHaveAttribute('data-state', 'live');
  await again.context().close();
});

test.describe('somebody who is invited', () => {
  test.use({ serverEnv: { RUNYARD_ROLES__GUEST: 'view read-logs on tick' } });

  test('sees what is theirs and nothing else', async ({ app, page, browser, runyard, api }) => {
    await app.isLive();
    await addPerson(page, 'ada', 'guest');
    const guest = await signIn(browser, runyard.url, 'ada');
    await expect(guest.getByTestId('script-row')).toHaveCount(1);
    await expect(guest.getByTestId('script-start')).toBeDisabled();

    const hidden = await api.start({ scriptName: 'burst', args: ['1'] });
    const shown = await api.start({ scriptName: 'tick' });
    await expect(guest.getByTestId('process-row')).toHaveCount(1);
    await guest.getByTestId('process-row').click();
    await expect(guest).toHaveURL(new RegExp(`/processes/${shown.id}$`));
    await expect(guest.getByTestId('log-line').first()).toBeVisible();
    await expect(guest.getByTestId('stop')).toBeDisabled();
    const told = guest.waitForResponse('**/api/me');
    await guest.keyboard.press('Control+k');
    await told;
    await guest.getByTestId('palette-input').fill('sessions');
    await expect(guest.getByTestId('palette').getByRole('option')).toHaveText(['Sessions']);
    await guest.getByTestId('palette-input').fill('people');
    await expect(guest.getByTestId('palette')).toContainText('Nothing has this name.');
    await guest.keyboard.press('Escape');

    await guest.goto(`/processes/${hidden.id}`);
    await expect(guest.getByTestId('alert')).toContainText('no process has the id');
    await guest.goto('/people');
    await expect(guest.locator('body')).toContainText('does not allow admin');
    await guest.context().close();
  });
});

test('a session that is ended takes its page with it', async ({ app, page, browser, runyard }) => {
  await app.isLive();
  await addPerson(page, 'ada', 'viewer');
  const guest = await signIn(browser, runyard.url, 'ada');
  await expect(guest.getByTestId('connection')).toHaveAttribute('data-state', 'live');

  await page.goto('/sessions');
  const row = page.locator('[data-testid="session-row"][data-user="ada"]');
  await row.getByTestId('session-end').click();
  await expect(row).toHaveCount(0);
  // Nobody touches the guest's page: the closed socket leads it to the way in.
  await expect(guest).toHaveURL(/\/sign-in/, { timeout: 20_000 });
  await guest.context().close();
});

test('a token is shown once, works, and is taken back', async ({ app, page, request, runyard }) => {
  await app.isLive();
  await page.goto('/tokens');
  await page.getByTestId('token-name').fill('ci');
  await page.getByTestId('token-role').selectOption('viewer');
  await page.getByTestId('token-create').click();
  const token = (await page.getByTestId('token-text').textContent()) ?? '';
  const ask = () =>
    request.get(`${runyard.url}/api/me`, { headers: { authorization: `Bearer ${token}` } });
  expect(await (await ask()).json()).toMatchObject({ name: 'ci', role: 'viewer' });

  await page.goto('/tokens');
  await expect(page.getByTestId('token-text')).toHaveCount(0);
  await page.locator('[data-testid="token-row"][data-name="ci"]').getByTestId('token-revoke').click();
  await expect(page.getByText('taken back')).toBeVisible();
  expect((await ask()).status()).toBe(401);
});

test('there is a line for each act', async ({ app, page, api }) => {
  await app.isLive();
  const { id } = await api.start({ scriptName: 'tick' });
  await api.stop(id);
  await addPerson(page, 'ada', 'viewer');
  await page.goto('/tokens');
  await page.getByTestId('token-name').fill('ci');
  await page.getByTestId('token-create').click();
  await page.goto('/audit');
  const actions = await page
    .getByTestId('audit-row')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-action')));
  for (const action of ['session.create', 'process.start', 'process.stop', 'user.create', 'token.create']) {
    expect(actions, action).toContain(action);
  }
  await page.getByTestId('audit-q').fill('ada');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page.getByTestId('audit-row')).toHaveCount(1);
});
