/** What lines leave in force for those far behind them: a colour, and the error that a stack belongs to. */

import { expect, test } from '../support/fixtures.ts';

const FRAMES = 6_000;

test.use({
  files: {
    'package.json': JSON.stringify({ name: 'deep', scripts: { deep: 'node deep.mjs' } }),
    'deep.mjs': `
      console.log('\\u001b[1;36mERROR it went wrong');
      for (let n = 1; n <= ${FRAMES}; n += 1) console.log('    at frame' + n);
      console.log('\\u001b[0mplain again');
    `,
  },
  serverEnv: { RUNYARD_RUN__RUNNER: 'native' },
});

test('a log opened in its middle has the colours and the stack of what comes long before', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'deep' });
  await expect.poll(async () => (await api.process(id)).status).toBe('completed');
  const entries = await api.log(id);
  const frame = entries.find(({ line }) => line === '    at frame3000')?.idx ?? 0;
  const plain = entries.find(({ line }) => line.endsWith('plain again'))?.idx ?? 0;
  const row = (idx: number) => page.locator(`[data-testid=log-line][data-idx="${idx}"]`);
  const looks = (idx: number) =>
    row(idx)
      .locator('.text')
      .evaluate((text) => getComputedStyle(text.firstElementChild ?? text).color);

  // Where nobody has read what comes before, and without scripts, too.
  await page.goto(`/processes/${id}?line=${frame}`);
  await app.isLive();
  await expect(row(frame)).toBeInViewport();
  await expect(row(frame)).toHaveClass(/cont/);
  await expect(row(frame)).toHaveAttribute('data-level', 'error');
  const cyan = await looks(frame);
  await page.getByTestId('log-goto').fill(String(plain));
  await page.getByTestId('log-goto').press('Enter');
  await expect(row(plain)).toBeInViewport();
  expect(await looks(plain - 1)).toBe(cyan);
  expect(await looks(plain)).not.toBe(cyan);
  await expect(row(plain)).not.toHaveClass(/cont/);

  // The first line, from which it all comes, leads to the same.
  await page.getByTestId('log-goto').fill('0');
  await page.getByTestId('log-goto').press('Enter');
  await expect(row(1)).toBeInViewport();
  expect(await looks(1)).toBe(cyan);

  // A filter leaves lines out, and changes nothing of the others.
  await page.getByTestId('log-search').fill('frame3000');
  await page.getByTestId('log-search-only').click();
  await expect(app.lines).toHaveCount(1);
  expect(await looks(frame)).toBe(cyan);
  await expect(row(frame)).toHaveClass(/cont/);
});
