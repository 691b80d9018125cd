import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect, test } from '../support/fixtures.ts';

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
