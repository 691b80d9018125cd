import { burstNumber, expect, test } from '../support/fixtures.ts';
import { hasEnded, type Entry } from '../support/contract.ts';
import { isAlive, waitUntil } from '../support/processes.ts';

// Takes seconds, so that the server is killed in the middle of it.
const BURST = 3_000_000;

test('a burst outlives the server, and its log has every line once', async ({
  app,
  api,
  runyard,
}) => {
  test.setTimeout(240_000);
  const id = await app.startWith('burst', String(BURST));
  await waitUntil('the burst has begun', async () => (await api.tail(id, 1000)).some(isOfBurst));
  const before = await api.process(id);
  await runyard.killServer();

  expect(before.status).toBe('running');
  expect(before.pid).not.toBeNull();
  expect(isAlive(before.pid ?? 0), 'the child died with the server').toBe(true);
  await expect(app.connection).not.toHaveAttribute('data-state', 'live');

  await runyard.startServer();
  await expect(app.connection).toHaveAttribute('data-state', 'live', { timeout: 30_000 });
  await expect
    .poll(async () => hasEnded(await api.process(id)), { timeout: 120_000 })
    .toBe(true);

  const after = await api.process(id);
  expect(after).toMatchObject({ status: 'completed', exitCode: 0, signal: null });
  expect(after.attempts.map(({ pid }) => pid)).toEqual([before.pid]);
  await app.hasStatus('completed');
  await expect.poll(() => app.lastIdx()).toBe(after.nextIdx - 1);

  const seen = new Uint8Array(BURST + 1);
  let idx = 0;
  let holes = 0;
  let numbered = 0;
  let repeated = 0;
  for await (const entry of api.entries(id)) {
    holes += entry.idx === idx ? 0 : 1;
    idx = entry.idx + 1;
    const number = burstNumber(entry);
    if (number !== undefined) {
      repeated += seen[number] ?? 0;
      seen[number] = 1;
      numbered += 1;
    }
  }
  const expected = { holes: 0, repeated: 0, numbered: BURST, idx: after.nextIdx };
  expect({ holes, repeated, numbered, idx }).toEqual(expected);
});

function isOfBurst(entry: Entry): boolean {
  return burstNumber(entry) !== undefined;
}

test('everything is still there after a restart', async ({ app, api, runyard }) => {
  const id = await app.startWith('burst', '500');
  await app.hasStatus('completed');
  const before = await api.process(id);
  const log = await api.log(id);

  await runyard.killServer();
  await runyard.startServer();
  expect(await api.process(id)).toEqual(before);
  expect(await api.log(id)).toEqual(log);
  await app.page.reload();
  await app.isLive();
  await expect(app.rows).toHaveAttribute('data-id', id);
  await expect.poll(() => app.lastIdx()).toBe(before.nextIdx - 1);
});
