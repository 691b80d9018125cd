import { hasEnded } from '../support/contract.ts';
import type { Api } from '../support/api.ts';
import { expect, test, type AppPage } from '../support/fixtures.ts';

// Slow enough that the cuts fall into it, and few enough that nothing is passed over to keep up.
const LINES = 10_000;

test.use({
  viewport: { width: 1280, height: 1600 },
  files: {
    'package.json': JSON.stringify({ name: 'own', scripts: { burst: 'node burst.mjs' } }),
    'burst.mjs': `
import { setTimeout as pause } from 'node:timers/promises';
for (let n = 1; n <= ${LINES}; n += 1) {
  console.log('line ' + n);
  if (n % 50 === 0) await pause(50);
}
`,
  },
});

/** Cuts the viewer off from its server, and lets it come back. */
type Cut = () => Promise<void>;

test('cut off again and again in the middle of a burst, the viewer has every line once', async ({
  app,
  page,
  api,
}) => {
  test.slow();
  const cuts: Cut[] = [];
  await page.routeWebSocket('**/ws', (socket) => {
    const server = socket.connectToServer();
    cuts.push(async () => {
      await server.close();
      await socket.close({ code: 1012 });
    });
  });
  await page.reload();
  await app.isLive();
  await everyLineIsThereOnce(app, api, async () => {
    await cuts.at(-1)?.();
    await expect(app.connection).not.toHaveAttribute('data-state', 'live');
  });
  expect(cuts.length, 'each time it connected anew').toBeGreaterThanOrEqual(5);
});

test('with the server killed again and again in the middle of a burst, too', async ({ app, api, runyard }) => {
  test.setTimeout(240_000);
  await everyLineIsThereOnce(app, api, async () => {
    await runyard.killServer();
    await expect(app.connection).not.toHaveAttribute('data-state', 'live');
    await runyard.startServer();
  });
});

async function everyLineIsThereOnce(app: AppPage, api: Api, cut: Cut): Promise<void> {
  const id = await app.start('burst');
  for (let round = 0; round < 4; round += 1) {
    const before = await app.lastIdx();
    await expect.poll(() => app.lastIdx(), { message: 'lines come' }).toBeGreaterThan(before + 200);
    expect(hasEnded(await api.process(id)), 'it is in the middle of the burst').toBe(false);
    await cut();
    await expect(app.connection).toHaveAttribute('data-state', 'live', { timeout: 30_000 });
  }
  await expect.poll(async () => hasEnded(await api.process(id)), { timeout: 60_000 }).toBe(true);
  const { nextIdx } = await api.process(id);
  await expect.poll(() => app.lastIdx()).toBe(nextIdx - 1);
  await expect(app.page.getByTestId('log-gap')).toHaveCount(0);

  // From the end to the first line and on, a screen at a time: each number follows the one before.
  const rows = () =>
    app.lines.evaluateAll((lines) =>
      lines.map((line) => ({
        idx: Number(line.getAttribute('data-idx')),
        text: line.querySelector('.text')?.textContent ?? '',
      })),
    );
  const seen = new Map<number, string>();
  while (!seen.has(0)) {
    const now = await rows();
    const numbers = now.map(({ idx }) => idx);
    const first = numbers[0] ?? -1;
    expect(numbers, 'what is drawn has no hole and no double').toEqual(numbers.map((_, at) => first + at));
    for (const { idx, text } of now) {
      expect(seen.get(idx) ?? text).toBe(text);
      seen.set(idx, text);
    }
    await app.log.evaluate((log) => log.scrollBy(0, -log.clientHeight));
    await expect
      .poll(async () => ((await rows())[0]?.idx ?? first) < first || seen.has(0))
      .toBe(true);
  }
  expect(seen.size).toBe(nextIdx);
  const lines = [...seen].sort(([a], [b]) => a - b).map(([, text]) => text);
  expect(lines.filter((line) => line.startsWith('line '))).toEqual(
    Array.from({ length: LINES }, (_, n) => `line ${n + 1}`),
  );
}
