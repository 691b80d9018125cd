import { expect, expectNoSidewaysScroll, test } from '../support/fixtures.ts';

test('a run is put beside the last one that succeeded', async ({ app, page, api }) => {
  const good = await api.start({ scriptName: 'burst', args: ['40'] });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'completed');
  const bad = await api.start({ scriptName: 'burst', args: ['none'] });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');

  await app.open(bad.id);
  await page.getByTestId('compare-link').click();
  const table = page.getByTestId('compare');
  await expect(table).toBeVisible();
  await expect(table.locator('th a').nth(0)).toHaveAttribute('href', `/processes/${bad.id}`);
  await expect(table.locator('th a').nth(1)).toHaveAttribute('href', `/processes/${good.id}`);
  const first = table.locator('#first');
  await expect(first).toBeInViewport();
  await expect(page.getByTestId('compare-summary')).toContainText('lines differ');
  await expect(table).toContainText('none is no number of lines');
});

test('without a success there is nothing to compare with', async ({ app, page, api }) => {
  const { id } = await api.start({ scriptName: 'fail' });
  await expect(app.rows.first()).toHaveAttribute('data-status', 'failed');
  await page.goto(`/processes/${id}/compare`);
  await expect(page.getByRole('main')).toContainText('No run of fail succeeded');
});

test.describe('runs of many lines', () => {
  test.use({
    files: {
      'package.json': JSON.stringify({ name: 'long', scripts: { long: 'node long.mjs' } }),
      'long.mjs': `
        for (let n = 1; n <= 12000; n += 1) console.log('step ' + n + ' is done');
        if (process.argv[2] !== 'bad') console.log('all is well');
        else for (let n = 1; n <= 1500; n += 1) console.log('step ' + n + ' is missing');
        process.exit(process.argv[2] === 'bad' ? 1 : 0);
      `,
    },
    serverEnv: { RUNYARD_RUN__RUNNER: 'native' },
  });

  test('the first difference is in sight, however late it is, and what follows is a link away', async ({ app, page, api }) => {
    const ended = async (arg: string, status: string): Promise<string> => {
      const { id } = await api.start({ scriptName: 'long', args: [arg] });
      await expect.poll(async () => (await api.process(id)).status).toBe(status);
      return id;
    };
    await ended('good', 'completed');
    const bad = await ended('bad', 'failed');
    await page.reload();
    await app.open(bad);
    await page.getByTestId('compare-link').click();
    const first = page.locator('#first');
    await expect(first).toBeInViewport();
    await expect(first).toContainText('step 1 is missing');
    await expect(first).toContainText('all is well');
    await expect(page.getByTestId('compare')).toContainText('11,997 lines alike');
    await expect(page.getByTestId('compare').getByRole('row')).toHaveCount(1 + 1_000);

    await page.getByTestId('compare-more').click();
    await expect(page.locator('#first')).toBeInViewport();
    await expect(page.getByTestId('compare')).toContainText('step 1500 is missing');
    await expect(page.getByTestId('compare-more')).toHaveCount(0);
    await page.getByRole('link', { name: 'Back to the first difference' }).click();
    await expect(page.locator('#first')).toContainText('step 1 is missing');

    // On a phone one stands below the other, as wide as the page.
    await page.setViewportSize({ width: 390, height: 844 });
    const [left, right] = await Promise.all(
      [1, 3].map(async (cell) => page.locator('#first td').nth(cell).boundingBox()),
    );
    expect(left?.width).toBeGreaterThan(280);
    expect(right?.y).toBeGreaterThan((left?.y ?? 0) + 10);
    await expectNoSidewaysScroll(page);
  });
});
