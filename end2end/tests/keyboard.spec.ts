import { DECLARED_FILES } from '../support/declared.ts';
import { expect, test } from '../support/fixtures.ts';

test('from the sign-in to a stopped process without a mouse', async ({ app, page }) => {
  await page.keyboard.press('Control+k');
  await expect(page.getByTestId('palette')).toBeVisible();
  await page.keyboard.type('start tick');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/processes\//);
  await app.hasStatus('running');
  await expect(app.lines.first()).toBeVisible();

  await page.keyboard.press('Control+k');
  await page.keyboard.type('stop this');
  await page.keyboard.press('Enter');
  await app.hasStatus('stopped');

  // And by the tab key alone.
  await page.keyboard.press('s');
  await expect(page.getByTestId('start-dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('start-dialog')).toBeHidden();
});

test('single keys go through the list, to the search and to the help', async ({ app, page, api }) => {
  await api.start({ scriptName: 'fail' });
  await api.start({ scriptName: 'burst', args: ['10'] });
  await expect(app.rows).toHaveCount(2);
  await page.keyboard.press('j');
  await expect(app.rows.nth(0).getByRole('link')).toBeFocused();
  await page.keyboard.press('j');
  await expect(app.rows.nth(1).getByRole('link')).toBeFocused();
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await expect(app.detail).toBeVisible();

  await page.keyboard.press('?');
  const help = page.getByTestId('help-dialog');
  await expect(help).toBeVisible();
  await help.getByTestId('single-keys').uncheck();
  await page.keyboard.press('Escape');
  await expect(help).toBeHidden();
  // Who speaks to the computer can put them off.
  await page.keyboard.press('?');
  await expect(help).toBeHidden();
});

test('the palette knows every place and what can be done to each process', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await expect(app.rows).toHaveCount(1);
  const find = async (words: string) => {
    await page.keyboard.press('Control+k');
    await page.getByTestId('palette-input').fill(words);
    return page.getByTestId('palette').getByRole('option');
  };
  for (const place of ['Overview', 'Search all logs', 'Account', 'Sessions', 'Tokens', 'People', 'Audit', 'API']) {
    await expect((await find(place)).first(), place).toContainText(place);
    await page.keyboard.press('Escape');
  }
  // Without a search more is offered than fits: the keys bring what is chosen into sight.
  const all = await find('');
  for (let n = 1; n < (await all.count()); n += 1) {
    await page.keyboard.press('ArrowDown');
  }
  await expect(all.last()).toBeInViewport();
  await expect(all.last()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');

  await expect((await find('stop tick')).first()).toContainText('Stop tick');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await api.process(id)).status).toBe('stopped');
  await expect((await find('no such act')).first()).toBeHidden();
  await expect(page.getByTestId('palette')).toContainText('Nothing has this name.');
  await page.keyboard.press('Escape');

  await find('people');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/people$/);
});

test('the palette does what menus hide, and clears what narrows the page', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  await app.open(id);
  await expect(app.lines.first()).toBeVisible();
  const choose = async (words: string, first: string) => {
    await page.keyboard.press('Control+k');
    await page.getByTestId('palette-input').fill(words);
    await expect(page.getByTestId('palette').getByRole('option').first()).toHaveText(first);
    await page.keyboard.press('Enter');
  };
  const download = page.waitForEvent('download');
  await choose('download ndjson', 'Download this log as NDJSON');
  expect((await download).suggestedFilename()).toMatch(/^tick-.*\.ndjson$/);

  await page.getByTestId('log-level').selectOption('error');
  await page.getByTestId('log-search').fill('nothing has this');
  await page.getByTestId('search').fill('nothing has this either');
  await expect(app.rows).toHaveCount(0);
  await choose('clear filter', 'Clear every filter on this page');
  await expect(app.rows).toHaveCount(1);
  await expect(page.getByTestId('log-level')).toHaveValue('');
  await expect(page.getByTestId('log-search')).toHaveValue('');
  await expect(app.lines.first()).toBeVisible();

  await choose('wrap long', 'Wrap the long lines of this log, or not');
  await expect(app.log).toHaveClass(/wrapped/);
  await choose('send sigkill', 'Send SIGKILL to this process');
  await expect(app.fact('exit')).toContainText('SIGKILL');
});

test('the palette goes to places in the open log, and sends signals to what is not open', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'tick' });
  const burst = await api.start({ scriptName: 'burst', args: ['9000'] });
  await expect(app.rows).toHaveCount(2);
  await app.open(burst.id);
  await app.hasStatus('completed');
  const choose = async (words: string, first: string | RegExp) => {
    await page.keyboard.press('Control+k');
    await page.getByTestId('palette-input').fill(words);
    await expect(page.getByTestId('palette').getByRole('option').first()).toContainText(first);
    await page.keyboard.press('Enter');
  };
  await choose('4,321', 'Go to 4,321 in this log');
  await expect(page.locator('[data-testid=log-line][data-idx="4321"]')).toBeInViewport();
  const ts = (await api.log(burst.id))[0]?.ts ?? 0;
  const time = new Date(ts - 1_000).toISOString();
  await choose(time, `Go to ${time} in this log`);
  await expect(page.locator('[data-testid=log-line][data-idx="0"]')).toBeInViewport();

  await choose('sigkill tick', 'Send signal SIGKILL to tick');
  await expect.poll(async () => (await api.process(id)).signal).toBe('SIGKILL');
});

test.describe('with pools', () => {
  test.use({ files: DECLARED_FILES });

  test('the palette pauses a pool and lets it go on', async ({ app, page }) => {
    await app.isLive();
    const pool = page.locator('[data-testid="pool"][data-name="builds"]');
    await expect(pool).toHaveAttribute('data-paused', 'false');
    for (const [words, isPaused] of [['Pause', 'true'], ['Resume', 'false']] as const) {
      await page.keyboard.press('Control+k');
      await page.getByTestId('palette-input').fill(`${words} the pool builds`);
      await expect(page.getByTestId('palette').getByRole('option')).toHaveText([`${words} the pool builds`]);
      await page.keyboard.press('Enter');
      await expect(pool).toHaveAttribute('data-paused', isPaused);
    }
  });
});
