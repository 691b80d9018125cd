/** The form that a script's own arguments make. */

import { chooseScript, expect, test } from '../support/fixtures.ts';

test.use({
  files: {
    'package.json': '{"name": "p", "scripts": {"deploy": "printf \'%s|\'", "plain": "echo plain"}}',
    'runyard.toml':
      '[run.args]\ndeploy = "target:staging|prod pin:secret count?:number --tag:/v[0-9]+/ --dry-run"\n',
  },
  serverEnv: { RUNYARD_RUN__RUNNER: 'native' },
});

test('a script that says what it takes is started with a form, and with nothing else', async ({
  app,
  page,
  api,
}) => {
  await page.getByTestId('start-open').click();
  const dialog = page.getByTestId('start-dialog');
  await chooseScript(dialog, 'plain');
  await expect(dialog.getByTestId('start-args')).toBeVisible();
  await chooseScript(dialog, 'deploy');
  await expect(dialog.getByTestId('start-args')).toHaveCount(0);
  const field = (name: string) => dialog.getByTestId(`arg-${name}`);
  const submit = () => dialog.getByTestId('start-submit').click();
  await expect(field('pin')).toHaveAttribute('type', 'password');
  await expect(field('target').locator('option')).toHaveText(['choose', 'staging', 'prod']);

  // What is missing or does not fit its pattern, the browser does not send.
  await submit();
  await field('target').selectOption('staging');
  await field('pin').fill('12345678');
  await field('--tag').fill('12');
  await submit();
  await expect(dialog).toBeVisible();
  expect(await field('--tag').evaluate((input) => (input as HTMLInputElement).validity.patternMismatch)).toBe(true);
  expect(await api.processes()).toEqual([]);

  // What only the server can tell is told by it.
  await field('--tag').fill('v12');
  await field('count').fill('many');
  await submit();
  await expect(dialog.getByTestId('alert')).toContainText('count must be a number');
  expect(await api.processes()).toEqual([]);

  await field('count').fill('3');
  await field('--dry-run').check();
  await submit();
  await expect(dialog).toBeHidden();
  await app.hasStatus('completed');
  const [process] = await api.processes();
  expect(process?.args).toEqual(['staging', '***', '3', '--tag', 'v12', '--dry-run']);
  await expect(app.lines.first()).toContainText('staging|***|3|--tag|v12|--dry-run|');
});
