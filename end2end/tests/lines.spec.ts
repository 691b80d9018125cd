/** How lines are drawn that say more than their words: JSON, and where another attempt begins. */

import { expect, test } from '../support/fixtures.ts';

const LOGGED = [
  '{"level":"warn","time":1700000000000,"msg":"slow answer","ms":812}',
  '{"level":50,"msg":"it broke","code":"E1"}',
  'no JSON {"a":1}',
];

test.use({
  files: {
    'package.json': JSON.stringify({ name: 'lines', scripts: { logs: 'node logs.mjs' } }),
    'logs.mjs': `for (const line of ${JSON.stringify(LOGGED)}) console.log(line);`,
  },
  serverEnv: { RUNYARD_RUN__RUNNER: 'native' },
});

test('JSON is folded to its message, its keys and its level, and shown as it was written on demand', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'logs' });
  await app.open(id);
  await app.hasStatus('completed');
  const line = (text: string) => app.lines.filter({ hasText: text });
  const slow = line('slow answer');
  await expect(slow).toHaveAttribute('data-level', 'warn');
  await expect(slow.locator('.text')).toHaveText(/^WARN\s+slow answer\s.*ms=812/);
  await expect(line('it broke')).toHaveAttribute('data-level', 'error');
  await expect(line('it broke').locator('.text')).toHaveText(/^ERROR\s+it broke\s.*code=E1/);
  await expect(line('no JSON').locator('.text')).toHaveText('no JSON {"a":1}');
  await page.getByTestId('log-view-menu').click();
  await page.getByTestId('log-raw').check();
  await expect(slow.locator('.text')).toHaveText(LOGGED[0] ?? '');
});

test('a line is drawn where another attempt begins', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'logs' });
  await app.open(id);
  await app.hasStatus('completed');
  const border = page.locator('[data-testid=log-line][data-attempt]');
  await expect(border).toHaveCount(0);
  await page.getByTestId('restart').click();
  await expect(app.lines.filter({ hasText: 'it broke' })).toHaveCount(2);
  await expect(border).toHaveCount(1);
  await expect(border).toHaveAttribute('data-attempt', 'attempt 2');
  const [words, width] = await border.evaluate((line) => [
    getComputedStyle(line, '::after').content,
    getComputedStyle(line).borderTopWidth,
  ]);
  expect(words).toBe('"attempt 2"');
  expect(width).toBe('1px');
});
