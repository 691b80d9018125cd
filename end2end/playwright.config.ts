import { defineConfig } from '@playwright/test';

import { findChromium } from './support/chromium.ts';

const executablePath = findChromium();
const isRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results/artifacts',
  // Each test has a server of its own, but the example site's port is the same for all.
  workers: 1,
  fullyParallel: false,
  // A test that passes only sometimes is a bug, here or there.
  retries: 0,
  forbidOnly: process.env['CI'] !== undefined,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        // Chromium's sandbox refuses to work for root, as whom containers often run.
        ...(isRoot ? ['--no-sandbox'] : []),
        // Nothing but loopback is ever asked for anything.
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
