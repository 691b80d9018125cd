import { countColours, expect, test } from '../support/fixtures.ts';
import { hasEnded } from '../support/contract.ts';
import { LONG_TASK_MS, measureLongest } from '../support/tasks.ts';

const BURST = 200_000;

test('a tick is shown in colour, with its time and its stream', async ({ app }) => {
  await app.start('tick');
  const stdout = app.lines.and(app.page.locator('[data-type="stdout"]'));
  const stderr = app.lines.and(app.page.locator('[data-type="stderr"]'));
  await expect(stdout.first()).toBeVisible();
  await expect(stderr.first()).toBeVisible();
  await expect(stdout.first()).toHaveText(/\d\d:\d\d:\d\d/);

  const background = (line: typeof stdout) =>
    line.first().evaluate((element) => {
      const { backgroundColor, boxShadow, borderLeftColor } = getComputedStyle(element);
      return [backgroundColor, boxShadow, borderLeftColor].join();
    });
  expect(await background(stdout), 'the streams look the same').not.toBe(await background(stderr));

  await expect
    .poll(() => countColours(stdout), { message: 'the text has colours of its own' })
    .toBeGreaterThan(2);
  await expect(app.log, 'escapes are never shown').not.toContainText('\u001b');
  await expect(app.log).not.toContainText('[0m');
});

test('a burst does not freeze the page', async ({ app, page, api, browser }) => {
  test.slow();
  const burst = async () => {
    const id = await app.startWith('burst', String(BURST));
    await expect.poll(async () => hasEnded(await api.process(id)), { timeout: 60_000 }).toBe(true);
    await app.hasStatus('completed');
    const { nextIdx } = await api.process(id);
    expect(nextIdx).toBeGreaterThanOrEqual(BURST);
    await expect.poll(() => app.lastIdx()).toBe(nextIdx - 1);
  };
  const goBack = async () => {
    await page.goto('/');
    await app.isLive();
  };
  const longest = await measureLongest(browser, goBack, burst);
  expect(longest.ms, `the longest tasks of each burst:\n${longest.words}`).toBeLessThanOrEqual(LONG_TASK_MS);
  expect(await app.lines.count(), 'only lines in sight are drawn').toBeLessThan(200);
});

test('following lets go when one scrolls up, and comes back', async ({ app, page, api }) => {
  test.slow();
  // Few lines fit in, so there is soon somewhere to scroll to.
  await page.setViewportSize({ width: 1280, height: 480 });
  const id = await app.start('tick');
  const overflow = () => app.log.evaluate((log) => log.scrollHeight - log.clientHeight);
  await expect.poll(overflow, { timeout: 45_000 }).toBeGreaterThan(100);
  const fromEnd = () =>
    app.log.evaluate((log) => log.scrollHeight - log.clientHeight - log.scrollTop);
  await expect.poll(fromEnd).toBeLessThan(5);

  await app.log.hover();
  await page.mouse.wheel(0, -10_000);
  await expect.poll(() => app.log.evaluate((log) => log.scrollTop)).toBe(0);

  const waiting = async () => Number(/\d+/.exec((await app.follow.textContent()) ?? '')?.[0] ?? 0);
  await expect.poll(waiting).toBeGreaterThan(0);
  const before = await waiting();
  await expect.poll(waiting, 'the button counts').toBeGreaterThan(before);
  expect(await app.log.evaluate((log) => log.scrollTop), 'the log stays where it was').toBe(0);

  await app.follow.click();
  await expect.poll(fromEnd).toBeLessThan(5);
  const seen = await app.lastIdx();
  await expect.poll(() => app.lastIdx(), 'the log follows again').toBeGreaterThan(seen);
  await expect.poll(fromEnd).toBeLessThan(5);
  expect((await api.process(id)).status).toBe('running');
});
