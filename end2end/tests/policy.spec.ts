/** No page has a style in it: what the policy would stop is not there, and nothing is missing without it. */

import { AppPage, countColours, expect, test } from '../support/fixtures.ts';

/** Corners and edges of the cube of true colours, and the 256 of a palette. */
const EXACT = [0, 60, 128, 200, 255].flatMap((r) => [0, 128, 255].flatMap((g) => [0, 90, 255].map((b) => `2;${r};${g};${b}`)));
const INDEXED = Array.from({ length: 256 }, (_, n) => `5;${n}`);
const STYLES = [...INDEXED, ...EXACT].flatMap((color) => [`38;${color}`, `48;${color}`]);
/** Both are the program's own choice, and stay as they are. */
const CHOSEN = '38;2;255;255;0;48;2;0;0;128';
/** How many different colours of text there are at least. */
const LEAST = 150;

test.use({
  files: {
    'package.json': JSON.stringify({ name: 'own', scripts: { paint: 'node paint.mjs', many: 'node many.mjs' } }),
    // Few lines: all of them are drawn.
    'paint.mjs': `const styles = ${JSON.stringify([...STYLES, CHOSEN])};
      while (styles.length) console.log(styles.splice(0, 25).map((s) => '\\x1b[' + s + 'm' + s.replaceAll(';', '.') + '\\x1b[0m').join(' '));`,
    'many.mjs': `for (let n = 0; n < 300; n += 1) {
        console.log(n === 20 ? 'ERROR no' : n === 50 ? 'WARN hm' : 'line ' + n);
        await new Promise((done) => setTimeout(done, 1));
      }`,
  },
  viewport: { width: 1280, height: 1000 },
});

async function hasColours(app: AppPage, where: string): Promise<void> {
  const chosen = app.lines.getByText(CHOSEN.replaceAll(';', '.'), { exact: true });
  await expect(chosen, where).toHaveCSS('color', 'rgb(255, 255, 0)');
  expect(await countColours(app.lines), where).toBeGreaterThan(LEAST);
}

test('every colour is there, as it comes, as it is served, and without scripts', async ({ app, page, browser }) => {
  const id = await app.start('paint');
  await app.hasStatus('completed');
  await hasColours(app, 'as it came');
  await page.goto(`/processes/${id}`);
  await app.isLive();
  await hasColours(app, 'as it was served');
  const storageState = await page.context().storageState();
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState });
  const served = await plain.newPage();
  await served.goto(page.url());
  await hasColours(new AppPage(served), 'without scripts');
  await plain.close();
});

test('the strip over a log is drawn, and says where one is', async ({ app, page }) => {
  await app.start('many');
  await app.hasStatus('completed');
  const strip = page.getByTestId('timeline');
  const fill = (path: string) => strip.locator(path).evaluate((drawn) => getComputedStyle(drawn).fill);
  await expect(strip.locator('path.error')).toBeVisible();
  expect(new Set(await Promise.all(['path >> nth=0', 'path.warn', 'path.error'].map(fill))).size).toBe(3);
  await strip.focus();
  await page.keyboard.press('Home');
  const place = () => strip.locator('.here').evaluate((mark) => Number.parseFloat(getComputedStyle(mark).left));
  await expect.poll(place).toBe(0);
  await page.keyboard.press('End');
  await expect.poll(place).toBeGreaterThan(100);
});

test('a style in a page is stopped, and a test hears of it', async ({ app, page, violations }) => {
  await app.isLive();
  await page.evaluate(() => document.body.setAttribute('style', 'color: rgb(1, 2, 3)'));
  await expect.poll(() => violations.length).toBe(1);
  await expect(page.locator('body')).not.toHaveCSS('color', 'rgb(1, 2, 3)');
  // Here it was meant.
  violations.length = 0;
});
