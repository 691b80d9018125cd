/** Which browser the tests drive. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

// scripts/setup.sh looks for the same names before it installs one.
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * The path of RUNYARD_CHROMIUM, or of a Chromium of the system; `undefined` when there is none, and
 * Playwright's own is to be taken.
 */
export function findChromium(): string | undefined {
  const named = process.env['RUNYARD_CHROMIUM'];
  if (named) {
    return named;
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
