import { expect, expectNoSidewaysScroll, test } from '../support/fixtures.ts';

const WRITE = `
const out = (...parts) => process.stdout.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
out('before\\n', 'x'.repeat(1 << 20), '\\n');
out([65, 0, 66, 10], [255, 254, 10]);
out('user \\u202Egnp.exe end\\n', 'שלום error: לא נמצא\\n');
out(Array.from({ length: 60 }, (_, n) => ('column ' + n).padEnd(14)).join('│'), '\\n', 'after\\n');
`;

test.use({
  files: {
    'package.json': JSON.stringify({ name: 'own', scripts: { odd: 'node odd.mjs' } }),
    'odd.mjs': WRITE,
  },
  serverEnv: { RUNYARD_RUN__RUNNER: 'native' },
});

test('lines of any length and any bytes are lines, and deceive nobody', async ({ app, page, api }) => {
  const id = await app.start('odd');
  await app.hasStatus('completed');
  await expect(app.log).toContainText('after');
  const line = (n: number) => page.locator(`[data-testid="log-line"][data-idx="${n}"] .text`);
  const lines = (await api.log(id)).filter(({ type }) => type === 'stdout');
  const huge = lines.find((entry) => entry.line.length > 1_000_000);
  expect(huge?.line).toBe('x'.repeat(1 << 20));
  // What is drawn of it is cut, and says so.
  await expect(line(huge?.idx ?? -1)).toContainText(/^x+.*[\d,]+ more/);
  expect((await line(huge?.idx ?? -1).textContent())?.length).toBeLessThan(20_000);

  const at = (text: string) => lines.find((entry) => entry.line.includes(text))?.idx ?? -1;
  await expect(line(at('A\0B'))).toHaveText('AB');
  await expect(line(at('\uFFFD')), 'bytes that are no text').toHaveText('\uFFFD\uFFFD');
  await expect(line(at('gnp'))).toHaveText('user ‹U+202E›gnp.exe end');
  await expect(line(at('שלום'))).toHaveText('שלום error: לא נמצא');
  await expect(line(at('column 59'))).toContainText('column 59');
  await expectNoSidewaysScroll(page);

  // Wrapped, all of them are within the log.
  await page.getByTestId('log-view-menu').click();
  await page.getByTestId('log-wrap').check();
  const wider = () => app.log.evaluate((log) => log.scrollWidth - log.clientWidth);
  await expect.poll(wider).toBe(0);
});
