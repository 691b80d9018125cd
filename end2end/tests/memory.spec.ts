import { readFileSync } from 'node:fs';

import type { CDPSession } from '@playwright/test';

import { hasEnded } from '../support/contract.ts';
import { expect, test } from '../support/fixtures.ts';

const MIB = 1024 * 1024;

/** What the tab's process holds besides files, its scripts' heap included, after a collection. */
async function measure(tab: CDPSession, browser: CDPSession): Promise<{ heap: number; process: number }> {
  await tab.send('HeapProfiler.collectGarbage');
  const { usedSize } = await tab.send('Runtime.getHeapUsage');
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo');
  // A page that nobody opened has a renderer too: the one of the page is the largest.
  const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => {
    const status = readFileSync(`/proc/${id}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  });
  return { heap: usedSize, process: Math.max(...sizes) };
}

test('the memory of the tab is the same after five million lines', async ({ app, page, api, browser }) => {
  test.setTimeout(400_000);
  const tab = await page.context().newCDPSession(page);
  const whole = await browser.newBrowserCDPSession();
  const follow = async (lines: number) => {
    const id = await app.startWith('burst', String(lines));
    await expect.poll(async () => hasEnded(await api.process(id)), { timeout: 300_000 }).toBe(true);
    const { nextIdx } = await api.process(id);
    expect(nextIdx).toBeGreaterThanOrEqual(lines);
    await expect.poll(() => app.lastIdx(), { timeout: 30_000 }).toBe(nextIdx - 1);
  };
  // What comes with the first burst stays: the viewer, and the room that the module took.
  await follow(200_000);
  const before = await measure(tab, whole);
  await follow(5_000_000);
  const after = await measure(tab, whole);
  const words = JSON.stringify({ before, after });
  console.log(`memory of the tab: ${words}`);
  expect(after.heap, words).toBeLessThan(before.heap + 4 * MIB);
  expect(after.process, words).toBeLessThan(before.process + 24 * MIB);
});
