import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { expect, expectNoSidewaysScroll, test } from '../support/fixtures.ts';

const MANIFEST = resolve(import.meta.dirname, '../../examples/site/package.json');

test('every script of the project can be started', async ({ app }) => {
  const { scripts } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const name of Object.keys(scripts)) {
    await expect(app.script(name)).toHaveAttribute('data-project', 'site');
    await expect(app.script(name).getByTestId('script-start')).toBeEnabled();
  }
});

test('processes are listed newest first, with their status', async ({ app, api }) => {
  const failed = await api.start({ scriptName: 'fail' });
  const burst = await api.start({ scriptName: 'burst', args: ['10'] });
  const tick = await api.start({ scriptName: 'tick' });

  await expect(app.rows).toHaveCount(3);
  const ids = app.rows.evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')));
  expect(await ids).toEqual([tick.id, burst.id, failed.id]);
  await expect(app.rows.nth(0)).toHaveAttribute('data-status', 'running');
  await expect(app.rows.nth(1)).toHaveAttribute('data-status', 'completed');
  await expect(app.rows.nth(2)).toHaveAttribute('data-status', 'failed');

  await app.open(failed.id);
  await app.hasStatus('failed');
  await expect(app.fact('exit')).toContainText('3');
});

test('the list follows what is typed', async ({ app, page, api }) => {
  const failed = await api.start({ scriptName: 'fail' });
  const burst = await api.start({ scriptName: 'burst', args: ['17', 'xylophone'] });
  await expect(app.rows).toHaveCount(2);

  const search = page.getByTestId('search');
  await search.pressSequentially('fai');
  await expect(app.rows).toHaveCount(1);
  await expect(app.rows).toHaveAttribute('data-id', failed.id);
  await search.fill('xylo');
  await expect(app.rows).toHaveCount(1);
  await expect(app.rows).toHaveAttribute('data-id', burst.id);
  await search.fill('no such process');
  await expect(app.rows).toHaveCount(0);
  await search.fill('');
  await expect(app.rows).toHaveCount(2);
});

test('the page says it all before its script has loaded', async ({ app, browser, api }) => {
  const burst = await api.start({ scriptName: 'burst', args: ['5'] });
  await expect(app.rows).toHaveAttribute('data-status', 'completed');

  const storageState = await app.page.context().storageState();
  const context = await browser.newContext({ javaScriptEnabled: false, storageState });
  const plain = await context.newPage();
  await plain.goto(new URL(`/processes/${burst.id}`, app.page.url()).href);
  await expect(plain.getByTestId('process-row')).toHaveCount(1);
  await expect(plain.getByTestId('detail').getByTestId('status')).toHaveAttribute(
    'data-status',
    'completed',
  );
  await expect(plain.locator('[data-testid="log-line"][data-type="stdout"]')).not.toHaveCount(0);
  await context.close();
});

test.describe('a project of a thousand scripts', () => {
  const long = 'a-script-whose-name-says-everything-that-it-does-and-then-something-more';
  const scripts = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`task:${n}`, `echo ${n}`]));
  test.use({ files: { 'package.json': JSON.stringify({ name: 'own', scripts: { ...scripts, [long]: 'true' } }) } });

  test('is searched as one types, and no name is too long', async ({ app, page }) => {
    const shown = page.getByTestId('script-row').filter({ visible: true });
    await expect(shown).toHaveCount(1001);
    const filter = page.getByTestId('script-filter');
    await filter.fill('TASK:99');
    await expect(shown).toHaveCount(11);
    await filter.fill('nothing of that name');
    await expect(shown).toHaveCount(0);
    await filter.fill(long.slice(0, 20));
    const { height } = (await app.script(long).boundingBox()) ?? { height: 0 };
    expect(height, 'one line').toBeLessThan(40);
    await app.start(long);
    await app.hasStatus('completed');
    await expectNoSidewaysScroll(page);
  });
});

test.describe('a project without scripts', () => {
  test.use({ files: { 'package.json': '{ "name": "own" }' } });

  test('says so', async ({ app, page }) => {
    await app.isLive();
    await expect(page.getByText('No project has a script that can be started.')).toBeVisible();
    await expect(page.getByTestId('script-filter')).toHaveCount(0);
  });
});
