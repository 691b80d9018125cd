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
