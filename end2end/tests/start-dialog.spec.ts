import { chooseScript, expect, test } from '../support/fixtures.ts';

test('arguments and environment reach the script', async ({ app, page, api }) => {
  await page.getByTestId('start-open').click();
  const dialog = page.getByTestId('start-dialog');
  await chooseScript(dialog, 'burst');
  await dialog.getByTestId('start-args').fill(`3 'two words'`);
  await dialog.getByTestId('start-env-name').first().fill('NODE_DEBUG');
  await dialog.getByTestId('start-env-value').first().fill('esm');
  await dialog.getByTestId('start-submit').click();

  await app.hasStatus('completed');
  const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  expect(await api.process(id)).toMatchObject({ script: 'burst', args: ['3', 'two words'] });
  const log = await api.tail(id, 1000);
  expect(
    log.some(({ line, type }) => type === 'stderr' && line.includes('ESM')),
    'node says what the variable asks it to',
  ).toBe(true);
});

test('what the server refuses is said in its words', async ({ app, page, api }) => {
  await page.getByTestId('start-open').click();
  const dialog = page.getByTestId('start-dialog');
  await chooseScript(dialog, 'burst');
  await dialog.getByTestId('start-args').fill(`'3; id'`);
  await dialog.getByTestId('start-submit').click();

  await expect(app.alert).toBeVisible();
  await expect(app.alert).toContainText(';');
  await expect(dialog, 'what was typed is kept').toBeVisible();
  await expect(dialog.getByTestId('start-args')).toHaveValue(`'3; id'`);
  expect(await api.processes()).toEqual([]);

  await dialog.getByTestId('start-args').fill('3');
  await dialog.getByTestId('start-env-name').first().fill('LD_PRELOAD');
  await dialog.getByTestId('start-env-value').first().fill('x.so');
  await dialog.getByTestId('start-submit').click();
  await expect(app.alert).toContainText('LD_PRELOAD');
  expect(await api.processes()).toEqual([]);
});

test.describe('a script that says what it was given', () => {
  test.use({
    files: { 'package.json': '{"name": "p", "scripts": {"greet": "echo said $NODE_GREETING"}}' },
    serverEnv: { RUNYARD_RUN__RUNNER: 'native' },
  });

  test('a variable that is marked as a secret reaches it and is shown nowhere', async ({
    app,
    page,
    api,
    runyard,
  }) => {
    const secret = 'a-secret-that-is-shown';
    await page.getByTestId('start-open').click();
    const dialog = page.getByTestId('start-dialog');
    const name = dialog.getByTestId('start-env-name').first();
    const value = dialog.getByTestId('start-env-value').first();
    const mark = dialog.getByTestId('start-env-secret').first();
    await value.fill(secret);
    await mark.check();
    await expect(value).toHaveAttribute('type', 'password');
    // What is wrong with a row is told without its value.
    await dialog.getByTestId('start-submit').click();
    await expect(app.alert).toContainText('a secret has no name');
    await name.fill('NODE_GREETING');
    await dialog.getByTestId('start-submit').click();
    await app.hasStatus('completed');
    const covered = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    expect((await api.tail(covered, 10)).map(({ line }) => line)).toEqual(['said ***']);
    await page.getByTestId('tab-configuration').click();
    await expect(page.getByTestId('tab-page')).toContainText('NODE_GREETING');
    await expect(page.locator('body')).not.toContainText(secret);

    // Without the mark it is like any other.
    await page.goto(runyard.url);
    await app.isLive();
    await page.getByTestId('start-open').click();
    await expect(mark).not.toBeChecked();
    await name.fill('NODE_GREETING');
    await value.fill(secret);
    await dialog.getByTestId('start-submit').click();
    await app.hasStatus('completed');
    const plain = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    expect((await api.tail(plain, 10)).map(({ line }) => line)).toEqual([`said ${secret}`]);
  });
});
