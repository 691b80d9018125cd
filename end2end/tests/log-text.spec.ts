/** What a program writes, and what it is called, is text on every page: no markup, no link of its own. */

import { expect, test } from '../support/fixtures.ts';
import { PASSWORD } from '../support/people.ts';

/** Whatever of it became a part of the page is found by this class. */
const MARKUP =
  '<img class=planted src=x onerror="window.hit=1"><script class=planted>window.hit=2</script><b class=planted>bold</b>';
const SCRIPT = '<u class=planted>script</u>';
const LINES = [
  MARKUP,
  'see javascript:alert(1) and data:text/html,x and http://a.example/?a="><img class=planted src=x onerror=window.hit=3>',
  '\u001b]8;;https://evil.example\u001b\\trust me\u001b]8;;\u001b\\',
  '\u001b]0;title\u0007\u001b[2J\u001b[31m<i class=planted>red</i>\u001b[0m',
];

declare global {
  interface Window {
    hit?: number;
  }
}

test.use({
  files: {
    'package.json': JSON.stringify({
      name: '<b class=planted>project</b>',
      scripts: { [SCRIPT]: 'node write.mjs', plain: 'echo plain' },
    }),
    'write.mjs': `for (const line of ${JSON.stringify(LINES)}) console.log(line);`,
  },
  serverEnv: { RUNYARD_RUN__RUNNER: 'native' },
});

test('a log cannot become a part of the page', async ({ app, page, api, runyard }) => {
  const { id } = await api.start({ scriptName: SCRIPT });
  await expect.poll(async () => (await api.process(id)).status).toBe('completed');
  await page.setViewportSize({ width: 1280, height: 800 });
  const isText = async (where: string) => {
    expect(await page.evaluate(() => window.hit), where).toBeUndefined();
    const found = await page.evaluate(() => ({
      marks: document.querySelectorAll('.planted').length,
      links: [...document.querySelectorAll('a[href]')]
        .map((link) => (link as HTMLAnchorElement).protocol)
        .filter((protocol) => !['http:', 'https:'].includes(protocol)),
      foreign: [...document.querySelectorAll('a[href*="evil.example"]')].length,
      title: document.title,
    }));
    expect(found, where).toMatchObject({ marks: 0, links: [], foreign: 0 });
    expect(found.title, where).not.toBe('title');
  };
  await app.isLive();
  await isText('list');
  await page.goto(`/processes/${id}`);
  await expect(app.lines.first()).toContainText('<img class=planted src=x onerror=');
  await expect(app.lines.nth(2)).toContainText('trust me');
  await isText('log, followed');
  // An address in a log leads where it says, without telling from where.
  const link = app.log.locator('a[href^="http://a.example"]');
  await expect(link).toHaveAttribute('rel', /noopener/);
  for (const path of [
    `/processes/${id}`,
    `/processes/${id}/configuration`,
    `/processes/${id}/audit`,
    `/processes/${id}/compare`,
    '/search?q=onerror',
    '/audit',
  ]) {
    await page.goto(path);
    await expect(page.locator('body')).toContainText(/script/);
    await isText(path);
  }
  // The same from the server, with its scripts never run.
  const html = await (await page.request.get(`${runyard.url}/processes/${id}`)).text();
  expect(html).not.toContain('<img class=planted');
});

test('names of people and tokens are text, too', async ({ app, page }) => {
  await app.isLive();
  await page.goto('/people');
  await page.getByTestId('user-name').fill('<img class=planted src=x onerror="window.hit=1">');
  await page.getByTestId('user-role').selectOption('viewer');
  await page.getByTestId('user-password').fill(PASSWORD);
  await page.getByTestId('user-create').click();
  await expect(page.getByTestId('user-row')).toHaveCount(2);
  await page.goto('/tokens');
  await page.getByTestId('token-name').fill('"><script class=planted>window.hit=2</script>');
  await page.getByTestId('token-create').click();
  for (const path of ['/people', '/tokens', '/audit']) {
    await page.goto(path);
    expect(await page.evaluate(() => window.hit), path).toBeUndefined();
    await expect(page.locator('.planted'), path).toHaveCount(0);
    await expect(page.locator('body'), path).toContainText('class=planted');
  }
});
