import type { Response } from '@playwright/test';

import { expect, test } from '../support/fixtures.ts';

/** 300 KB, and a little: the module differs by some hundred bytes with the folder that it was built in. */
const BUDGET = 301_000;

test('the first load is small, and the next one smaller', async ({ page, runyard }) => {
  const responses: Response[] = [];
  page.on('response', (response) => responses.push(response));
  await page.goto(runyard.signInLink);
  await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live');

  const sizes = await Promise.all(responses.map(bodySize));
  const bytes = sizes.reduce((sum, { size }) => sum + size, 0);
  const each = sizes.map(({ path, size }) => `${path} ${size}`).join('\n');
  console.log(`first load: ${bytes} bytes`);
  expect(bytes, each).toBeLessThanOrEqual(BUDGET);
  expect(bytes, each).toBeGreaterThan(0);

  const assets = responses.filter((response) => new URL(response.url()).pathname.startsWith('/pkg/'));
  expect(assets.length, each).toBeGreaterThanOrEqual(3);
  for (const asset of assets) {
    const headers = await asset.allHeaders();
    expect(headers['content-encoding'], asset.url()).toBe('br');
    expect(headers['cache-control'], asset.url()).toContain('immutable');
    expect(asset.url()).toMatch(/\/pkg\/[0-9a-f]{16}\/[\w.]+\.(js|wasm|css)$/);
  }
});

async function bodySize(response: Response): Promise<{ path: string; size: number }> {
  const { responseBodySize } = await response.request().sizes();
  return { path: new URL(response.url()).pathname, size: responseBodySize };
}
