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
