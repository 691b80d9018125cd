/** How fast this machine is, so that a page is not blamed for that. */

import type { Browser } from '@playwright/test';

/** The slower processor of a phone, beside that of a desktop: Lighthouse's own figure. */
const SLOWER = 4;
/**
 * Milliseconds that the page below takes on the machine of `docs/benchmarks.md`. They were found on one on which
 * Runyard's own pages took 2.4 times as long as there, and the page below 2.4 times as long as this.
 */
const YARDSTICK_MS = 230;
const TIMES = 7;

/** A page that is made by a script and laid out, as Runyard's are. */
const PAGE = `<!doctype html><title>yardstick</title><body><script>
  for (let part = 0; part < 20; part += 1) {
    const rows = Array.from({ length: 400 }, (_, n) => '<li><b>' + part + '</b> <span>row ' + n + '</span></li>');
    const list = document.createElement('ul');
    list.innerHTML = rows.join('');
    document.body.append(list);
    document.title = String(list.offsetHeight);
  }
  requestAnimationFrame(() => setTimeout(() => performance.mark('done')));
</script>`;

/**
 * How many times slower the processor has to be made to be as slow as a phone's: four times where the machine is
 * that of `docs/benchmarks.md` or a faster one, less where it is slower by itself.
 */
export async function slowDown(browser: Browser): Promise<number> {
  const page = await browser.newPage();
  const times: number[] = [];
  while (times.length < TIMES) {
    await page.goto(`data:text/html,${encodeURIComponent(PAGE)}`);
    await page.waitForFunction(() => performance.getEntriesByName('done').length > 0);
    times.push(await page.evaluate(() => performance.getEntriesByName('done')[0]?.startTime ?? Infinity));
  }
  await page.close();
  const median = times.sort((a, b) => a - b)[Math.floor(TIMES / 2)] ?? Infinity;
  const rate = Math.min(SLOWER, Math.max(1, (SLOWER * YARDSTICK_MS) / median));
  console.log(`yardstick ${median.toFixed(1)} ms of ${YARDSTICK_MS}: slowed down ${rate.toFixed(1)} times`);
  return rate;
}
