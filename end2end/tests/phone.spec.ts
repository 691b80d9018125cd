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

test('a finger that rests on lines makes a permalink of them', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'burst', args: ['2000'] });
  await app.open(id);
  await app.hasStatus('completed');
  const cdp = await page.context().newCDPSession(page);
  const press = async (idx: number, until: RegExp) => {
    const box = await page.locator(`[data-testid=log-line][data-idx="${idx}"] .text`).boundingBox();
    const touchPoints = [{ x: (box?.x ?? 0) + 30, y: (box?.y ?? 0) + 5 }];
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
    await expect(page).toHaveURL(until);
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  };
  const last = await app.lastIdx();
  await press(last - 6, new RegExp(`line=${last - 6}$`));
  await press(last - 3, new RegExp(`line=${last - 6}-${last - 3}$`));
  await expect(page.getByTestId('selection')).toContainText(`Lines ${last - 6} to ${last - 3}`);
  await expect(page.locator('.line.selected')).toHaveCount(4);
  await expectNoSidewaysScroll(page);
  await page.reload();
  await app.isLive();
  await expect(page.locator('.line.selected')).toHaveCount(4);
  await expect(page.locator('.line.selected').first()).toBeInViewport();
});

test('a link to lines is handed on, or copied where the browser hands on nothing', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'burst', args: ['20'] });
  await app.isLive();
  await expect(app.rows.first()).toHaveAttribute('data-status', 'completed');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const link = page.getByTestId('line-link');
  const open = async (): Promise<void> => {
    await page.goto(`/processes/${id}?line=3-5`);
    await app.isLive();
    await link.tap();
  };
  // Chromium on Linux hands on nothing.
  await page.addInitScript(() => delete (Navigator.prototype as { share?: unknown }).share);
  // What is done with lines is not under what leads to the newest one.
  await page.goto(`/processes/${id}?line=3-5`);
  await app.isLive();
  const [bar, follow] = await Promise.all([page.getByTestId('selection').boundingBox(), app.follow.boundingBox()]);
  expect((bar?.y ?? 0) + (bar?.height ?? 0)).toBeLessThan(follow?.y ?? 10_000);
  await open();
  await expect(link).toHaveText('Link copied');
  const url = new URL(`/processes/${id}?line=3-5`, page.url()).href;
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(url);
  await expect(link).toHaveText('Link');
  await expect(page).toHaveURL(url);

  await page.addInitScript(() => {
    const share = (data: { url: string }): Promise<void> => {
      document.title = `handed on ${data.url}`;
      return Promise.resolve();
    };
    Object.defineProperty(Navigator.prototype, 'share', { value: share, configurable: true });
  });
  await open();
  await expect(page).toHaveTitle(`handed on ${url}`);
  await expect(link).toHaveText('Link');
});

test('a finger goes along the log over time', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'burst', args: ['40000'] });
  await app.open(id);
  await app.hasStatus('completed');
  const slider = page.getByRole('slider', { name: 'Log over time' });
  await expect(slider).toBeVisible();
  const box = (await slider.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const cdp = await page.context().newCDPSession(page);
  const at = (share: number) => [{ x: box.x + box.width * share, y: box.y + box.height / 2 }];
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0.9) });
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(0.5) });
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(0.001) });
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await expect(page.locator('[data-testid=log-line][data-idx="0"]')).toBeInViewport();
  await expect(slider).toHaveAttribute('aria-valuenow', '0');
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
