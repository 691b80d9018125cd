import { hasEnded } from '../support/contract.ts';
import { expect, test } from '../support/fixtures.ts';

test('lines of all logs are found, newest first, and lead to their place', async ({ app, page, api }) => {
  const old = await api.start({ scriptName: 'burst', args: ['40000'] });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'completed');
  await api.start({ scriptName: 'fail' });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');

  await page.getByTestId('search-link').click();
  const box = page.getByTestId('search-all');
  const state = page.getByTestId('search-state');
  const hits = page.getByTestId('hit');
  await box.fill('gate of track');
  await expect(state).toHaveAttribute('data-done', 'true');
  await expect(hits.first()).toContainText('fail');
  await expect(hits.first().locator('mark')).toHaveText('gate of track');

  await box.fill('burst line 12345 of');
  await expect(hits).toHaveCount(1);
  await expect(state).toContainText('1 found in');
  await expect(page).toHaveURL(/\/search\?q=burst%20line%2012345/);
  await hits.first().click();
  await expect(page).toHaveURL(new RegExp(`/processes/${old.id}\\?line=\\d+$`));
  await expect(page.locator('.line.selected')).toContainText('burst line 12345 of 40000');
  await expect(page.locator('.line.selected')).toBeInViewport();
});

test('what cannot be searched for is said in words', async ({ app, page }) => {
  await app.isLive();
  await page.goto('/search');
  await app.isLive();
  await page.getByTestId('search-all-regex').click();
  await page.getByTestId('search-all').fill('(\\w{99}){99}');
  await expect(page.getByTestId('search-state')).toContainText('too costly');
  await page.getByTestId('search-all').fill('nothing has this');
  await expect(page.getByTestId('search-state')).toContainText('0 found in');
});

test('a search narrowed in every way is shared by its address', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'fail' });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');
  const [line] = (await api.log(id)).filter(({ line }) => line.includes('gate of track 4'));
  const at = line?.ts ?? 0;
  await page.goto('/search');
  await app.isLive();
  await page.getByTestId('search-all').fill('GATE|gate of track \\d');
  await page.getByTestId('search-all-regex').click();
  await page.getByTestId('search-stream').selectOption('stderr');
  await page.getByTestId('search-level').selectOption('error');
  await page.getByTestId('search-project').fill('site');
  await page.getByTestId('search-time').selectOption('between');
  const field = (ms: number) => {
    const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
    return local.toISOString().slice(0, 16);
  };
  const hits = page.getByTestId('hit');
  const state = page.getByTestId('search-state');
  // The minute of the line is in, the one before it and the one behind it are not.
  await page.getByTestId('search-since').fill(field(at));
  await page.getByTestId('search-until').fill(field(at));
  await expect(hits.first()).toContainText('gate of track 4');
  await expect(state).toHaveAttribute('data-done', 'true');
  const found = await hits.allTextContents();
  await page.getByTestId('search-since').fill(field(at + 60_000));
  await page.getByTestId('search-until').fill(field(at + 60_000));
  await expect(state).toContainText('0 found');
  await page.getByTestId('search-since').fill(field(at - 60_000));
  await page.getByTestId('search-until').fill(field(at - 60_000));
  await expect(state).toContainText('0 found');
  await page.getByTestId('search-until').fill(field(at));
  await expect(hits).toHaveText(found);
  for (const part of ['q=GATE', 'regex=true', 'stream=stderr', 'level=error', 'project=site', 'since=', 'until=']) {
    expect(page.url()).toContain(part);
  }

  // Somebody else opens it.
  const other = await page.context().newPage();
  await other.goto(page.url());
  await expect(other.getByTestId('hit')).toHaveText(found);
  await expect(other.getByTestId('search-all')).toHaveValue('GATE|gate of track \\d');
  await expect(other.getByTestId('search-all-regex')).toHaveAttribute('aria-pressed', 'true');
  await expect(other.getByTestId('search-stream')).toHaveValue('stderr');
  await expect(other.getByTestId('search-level')).toHaveValue('error');
  await expect(other.getByTestId('search-project')).toHaveValue('site');
  await expect(other.getByTestId('search-time')).toHaveValue('between');
  await expect(other.getByTestId('search-since')).toHaveValue(field(at - 60_000));
  await expect(other.getByTestId('search-until')).toHaveValue(field(at));
  await other.getByTestId('search-time').selectOption('60');
  await expect(other).toHaveURL(/minutes=60/);
  await other.reload();
  await expect(other.getByTestId('search-time')).toHaveValue('60');
  await expect(other.getByTestId('hit')).toHaveText(found);
});

test('typing on gives up the search under way, in the server as well', async ({ app, page, api, runyard }) => {
  test.slow();
  const { id } = await api.start({ scriptName: 'burst', args: ['5000000'] });
  await expect.poll(async () => hasEnded(await api.process(id)), { timeout: 90_000 }).toBe(true);
  const token = await runyard.token();
  const searches = async () => {
    const answer = await fetch(`${runyard.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    return Number(/^runyard_log_searches (\d+)$/m.exec(await answer.text())?.[1] ?? -1);
  };
  await page.goto('/search');
  await app.isLive();
  // It looks at all lines for one that is not there, and so is under way when more is typed.
  const asked = page.waitForRequest(/logs\/search.*q=n.*thing.*regex=true/);
  await page.getByTestId('search-all-regex').click();
  await page.getByTestId('search-all').fill('n.*\\w*thing.*like.*this');
  const request = await asked;
  const failed = page.waitForEvent('requestfailed', (it) => it === request);
  await page.getByTestId('search-all').fill('');
  expect((await failed).failure()?.errorText).toContain('ABORTED');
  await expect.poll(searches).toBe(0);
  await expect(page.getByTestId('search-state')).not.toContainText('Searching');
});
