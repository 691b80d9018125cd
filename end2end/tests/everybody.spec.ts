import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { DECLARED_FILES } from '../support/declared.ts';
import { expect, test } from '../support/fixtures.ts';
import { addPerson } from '../support/people.ts';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** WCAG 2.2 AA and axe's own advice; each violation in words. */
async function expectAccessible(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  const words = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n  ')}`);
  expect(words, state).toEqual([]);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test(`administration can be used by everybody in ${colorScheme}`, async ({ app, page, browser, runyard }) => {
      await app.isLive();
      await addPerson(page, 'ada', 'operator');
      await expectAccessible(page, '/people');
      await page.goto('/tokens');
      await page.getByTestId('token-name').fill('ci');
      await page.getByTestId('token-create').click();
      await expect(page.getByTestId('token-made')).toBeVisible();
      await expectAccessible(page, '/tokens, one just made');
      for (const path of ['/sessions', '/audit', '/account', '/overview']) {
        await page.goto(path);
        await expect(page.locator('h1')).toBeVisible();
        await expectAccessible(page, path);
      }
      await page.goto('/docs');
      await page.locator('details').evaluateAll((all) => all.forEach((one) => one.setAttribute('open', '')));
      await expectAccessible(page, '/docs, all of it');
      await page.goto('/processes/nothing');
      await expect(page.getByTestId('alert')).toBeVisible();
      await expectAccessible(page, 'a process that is not there');

      const context = await browser.newContext({ baseURL: runyard.url, colorScheme });
      const stranger = await context.newPage();
      await stranger.goto('/sign-in?refused=password');
      await expectAccessible(stranger, '/sign-in');
      await context.close();

      await page.goto('/');
      await app.isLive();
      await runyard.killServer();
      await expect(page.getByTestId('offline-note')).toBeVisible({ timeout: 20_000 });
      await expectAccessible(page, 'offline');
      // It is asked at once, and not when it is due.
      const asked = page.waitForEvent('websocket', { timeout: 1_000 });
      await page.getByTestId('offline-note').getByRole('button').click();
      await asked;
      await runyard.startServer();
      await expect(app.connection).toHaveAttribute('data-state', 'live', { timeout: 30_000 });
      await expect(page.getByTestId('offline-note')).toHaveCount(0);
    });

    test.describe('with declared processes', () => {
      test.use({ files: DECLARED_FILES });

      test(`a queue, a schedule and a breaker can be used by everybody in ${colorScheme}`, async ({ app, page, api }) => {
        // One more than there are slots.
        for (let n = 0; n < 3; n += 1) {
          await api.start({ scriptName: 'build', strategy: { pool: 'builds' } });
        }
        await expect(page.locator('[data-testid="process-row"][data-status="queued"]')).toBeVisible();
        await page.reload();
        await app.isLive();
        await expect(page.getByTestId('waiting')).toBeVisible();
        await page.getByTestId('schedule-next').click();
        await expectAccessible(page, 'declared, with who waits');
        await page.locator('[data-testid="process-row"][data-status="backing_off"]').click();
        await expect(app.detail.getByTestId('breaker')).toBeVisible();
        await expectAccessible(page, 'an open breaker');
        await page.getByTestId('reload').click();
        await expect(page.getByTestId('reload-dialog')).toBeVisible();
        await expectAccessible(page, 'what a reload would change');
      });
    });

    test(`every page can be used by everybody in ${colorScheme}`, async ({ app, page, api }) => {
      test.slow();
      await expectAccessible(page, 'nothing was started');
      await api.start({ scriptName: 'burst', args: ['3000'] });
      const { id } = await api.start({ scriptName: 'fail' });
      await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');
      await expectAccessible(page, 'list and overview');

      await app.open(id);
      await expect(app.lines.first()).toBeVisible();
      await expectAccessible(page, 'detail');
      await page.locator('[data-idx="4"] .no').click();
      await page.getByTestId('log-view-menu').click();
      await expectAccessible(page, 'lines chosen, menu open');
      await page.keyboard.press('Escape');
      await page.getByTestId('log-level').selectOption('error');
      await expectAccessible(page, 'filtered');
      for (const tab of ['attempts', 'figures', 'configuration', 'audit']) {
        await page.getByTestId(`tab-${tab}`).click();
        await expect(page).toHaveURL(new RegExp(`${tab}$`));
        await expect(page.getByTestId('tab-page')).not.toBeEmpty();
        await expectAccessible(page, tab);
      }
      await page.getByTestId('compare-link').click();
      await expectAccessible(page, 'compare');

      await page.goto('/search?q=gate');
      await expect(page.getByTestId('search-state')).toHaveAttribute('data-done', 'true');
      await expectAccessible(page, 'search');
      await page.goto('/');
      await app.isLive();
      await page.getByTestId('notices-menu').click();
      await expectAccessible(page, 'notices');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+k');
      await expectAccessible(page, 'palette');
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await expectAccessible(page, 'help');
      await page.keyboard.press('Escape');
      await page.getByTestId('start-open').click();
      await expectAccessible(page, 'start dialog');
    });
  });
}

for (const reducedMotion of ['reduce', 'no-preference'] as const) {
  test.describe(`with a wish for ${reducedMotion} of motion`, () => {
    test.use({ contextOptions: { reducedMotion } });

    test('what moves by itself is what may', async ({ app, page, api }) => {
      const moving = () => page.evaluate(() => document.getAnimations().length);
      const { id } = await api.start({ scriptName: 'fail' });
      await app.open(id);
      await app.hasStatus('failed');
      let refuse = () => {};
      const held = new Promise<void>((resolve) => (refuse = resolve));
      await page.route('**/api/ui/restart_process', async (route) => {
        await held;
        await route.continue({ postData: JSON.stringify({ id: 'nobody' }) });
      });
      await app.detail.getByTestId('restart').click();
      // Until the server says otherwise it starts, which is the mark that turns: in the list and in the head.
      await app.hasStatus('starting');
      expect(await moving()).toBe(reducedMotion === 'reduce' ? 0 : 2);
      refuse();
      await expect(app.alert).toBeVisible();
      await app.hasStatus('failed');
      if (reducedMotion === 'reduce') {
        expect(await moving()).toBe(0);
      }
    });
  });
}
