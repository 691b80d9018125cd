import type { Page } from '@playwright/test';

import { expect, test } from '../support/fixtures.ts';
import { slowDown } from '../support/yardstick.ts';

const LIMIT_MS = 1_000;
/** As in `lighthouse.spec.ts`: what else the machine does makes it slower, so the best counts. */
const TRIES = 5;

/** From the beginning of the navigation until the page answers, in milliseconds. */
async function loadAgain(page: Page): Promise<number> {
  await page.reload();
  await expect
    .poll(() => page.evaluate(() => performance.getEntriesByName('interactive').length))
    .toBe(1);
  return page.evaluate(() => performance.getEntriesByName('interactive')[0]?.startTime ?? Infinity);
}

test('the page answers within a second on a processor four times slower', async ({ app, page, api, browser }) => {
  test.slow();
  const { id } = await api.start({ scriptName: 'burst', args: ['2000'] });
  await app.isLive();
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: await slowDown(browser) });
  for (const path of ['/', `/processes/${id}`]) {
    await page.goto(path);
    const times: number[] = [];
    while (times.length < TRIES && Math.min(...times, Infinity) >= LIMIT_MS) {
      times.push(await loadAgain(page));
    }
    console.log(`interactive at ${path}: ${times.map(Math.round).join(', ')} ms`);
    expect(Math.min(...times), path).toBeLessThan(LIMIT_MS);
  }
  // And what is clicked then does something.
  await page.getByTestId('help').click();
  await expect(page.getByTestId('help-dialog')).toBeVisible();
});
