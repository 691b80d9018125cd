import { expect, expectNoSidewaysScroll, test } from '../support/fixtures.ts';

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

test('list, detail and back on a phone', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await expect(app.rows).toHaveCount(1);
  await expect(app.detail).toBeHidden();
  await expectNoSidewaysScroll(page);

  await app.open(id);
  await expect(app.list).toBeHidden();
  await expect(app.lines.first()).toBeVisible();
  await expectNoSidewaysScroll(page);

  await page.getByRole('link', { name: /back|processes/i }).filter({ visible: true }).first().click();
  await expect(app.list).toBeVisible();
  await expect(app.detail).toBeHidden();
  await expect(page).not.toHaveURL(/processes/);
});

test('the start dialog fits on a phone', async ({ app, page }) => {
  await app.isLive();
  await page.getByTestId('start-open').click();
  const dialog = page.getByTestId('start-dialog');
  await expect(dialog).toBeVisible();
  await expect(dialog.getByTestId('start-submit')).toBeInViewport();
  await expectNoSidewaysScroll(page);
});

test('the overview, the search and the account are within reach on a phone', async ({ app, page, api }) => {
  await api.start({ scriptName: 'fail' });
  await app.isLive();
  await page.getByTestId('overview-link').tap();
  await expect(page).toHaveURL(/\/overview$/);
  await expect(page.getByTestId('tiles')).toBeVisible();
  await expect(app.list).toBeHidden();
  await expectNoSidewaysScroll(page);
  await page.reload();
  await expect(page.getByTestId('tiles'), 'its address can be kept').toBeVisible();
  await page.getByRole('link', { name: 'Processes', exact: true }).filter({ visible: true }).tap();
  await expect(app.list).toBeVisible();
  await page.getByTestId('search-link').tap();
  await expect(page.getByTestId('search-all')).toBeVisible();
  await page.getByTitle('Your account').tap();
  await expect(page).toHaveURL(/\/account$/);
});

test('a finger sees what a chart is made of', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await app.open(id);
  await page.getByTestId('tab-figures').tap();
  const chart = page.getByTestId('chart-cpu');
  await chart.getByTestId('look-cpu').tap({ position: { x: 4, y: 40 } });
  await expect(chart.getByTestId('looked-at-cpu')).toHaveText(/^[\d.]+ % · \d\d:\d\d:\d\d$/);
});

test('what one can touch is large enough', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  const tooSmall = () =>
    page.evaluate(() => {
      const all = document.querySelectorAll<HTMLElement>('a, button, input, select, summary, textarea');
      const visible = [...all].filter((one) => one.checkVisibility({ visibilityProperty: true }));
      // A link within a sentence, or a line of a log, is as high as its line: WCAG 2.5.8 lets it.
      const own = visible.filter((one) => one.closest('p, td, .line, .detail-more') === null);
      return own
        .map((one) => ({ html: one.outerHTML.slice(0, 120), box: one.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
        .map(({ html, box }) => `${Math.round(box.width)} x ${Math.round(box.height)}: ${html}`);
    });
  expect(await tooSmall(), 'list').toEqual([]);
  await app.open(id);
  for (const tab of ['', 'attempts', 'figures', 'configuration', 'audit']) {
    await page.getByTestId(`tab-${tab}`).tap();
    await expect(page.getByTestId(`tab-${tab}`)).toHaveAttribute('aria-current', 'page');
    expect(await tooSmall(), tab).toEqual([]);
  }
  await page.getByTestId('overview-link').tap();
  await expect(page.getByTestId('tiles')).toBeVisible();
  expect(await tooSmall(), 'overview').toEqual([]);
});
