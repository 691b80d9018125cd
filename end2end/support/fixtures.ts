/** `test` with a running Runyard and a page that is signed in to it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { test as base, expect, type BrowserContext, type Locator, type Page } from '@playwright/test';

import type { Api } from './api.ts';
import type { Entry, Status } from './contract.ts';
import { Runyard } from './runyard.ts';

interface Fixtures {
  /** Added to the server's environment. */
  serverEnv: Record<string, string>;
  /** The folder that the server serves; the example site when it is empty. */
  project: string;
  /** The files of a project of the test's own, by their paths. */
  files: Record<string, string> | undefined;
  /** A fresh server with no process. */
  runyard: Runyard;
  api: Api;
  /** The page of a person who opened the printed link. */
  app: AppPage;
  /**
   * What the content security policy has stopped in any page of the test, in the browser's words. A test
   * fails when there is something left in it at its end.
   */
  violations: string[];
}

export const test = base.extend<Fixtures>({
  serverEnv: [{}, { option: true }],
  project: ['', { option: true }],
  files: [undefined, { option: true }],
  runyard: async ({ serverEnv, project, files }, use) => {
    const own = files === undefined ? undefined : makeProject(files);
    const served = own ?? (project === '' ? undefined : project);
    const runyard = await Runyard.start(serverEnv, served);
    try {
      await use(runyard);
    } finally {
      await runyard.dispose();
      if (own !== undefined) {
        rmSync(own, { recursive: true, force: true });
      }
    }
  },
  api: async ({ runyard }, use) => use(await runyard.api()),
  violations: [
    async ({ browser }, use) => {
      const found: string[] = [];
      // The console hears of it also where scripts are off.
      const watch = (context: BrowserContext) =>
        context.on('console', (message) => {
          if (message.text().includes('Content Security Policy')) {
            found.push(`${message.page()?.url() ?? '?'}: ${message.text()}`);
          }
        });
      browser.on('context', watch);
      await use(found);
      browser.off('context', watch);
      expect(found, 'something is on a page that its policy forbids').toEqual([]);
    },
    { auto: true },
  ],
  baseURL: async ({ runyard }, use) => use(runyard.url),
  app: async ({ page, runyard }, use) => {
    await page.goto(runyard.signInLink);
    const app = new AppPage(page);
    await app.isLive();
    await use(app);
  },
});

export { expect };

/** A folder of its own with these files. */
function makeProject(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'runyard-project-'));
  for (const [path, text] of Object.entries(files)) {
    writeInto(folder, path, text);
  }
  return folder;
}

/** Writes a file of a project, and the folders that it is in. */
export function writeInto(folder: string, path: string, text: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** The page is no wider than what it is looked at with. */
export async function expectNoSidewaysScroll(page: Page, what = 'the page'): Promise<void> {
  const wider = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(wider, `${what} scrolls sideways`).toBe(0);
}

/** How many colours the texts in some lines have. */
export function countColours(lines: Locator): Promise<number> {
  return lines.evaluateAll((all) => {
    const parts = all.flatMap((line) => [line, ...line.querySelectorAll('*')]);
    return new Set(parts.map((part) => getComputedStyle(part).color)).size;
  });
}

/** The one page of the UI, in the words of those who use it. */
export class AppPage {
  readonly page: Page;
  readonly list: Locator;
  readonly rows: Locator;
  readonly detail: Locator;
  readonly log: Locator;
  readonly lines: Locator;
  readonly follow: Locator;
  readonly connection: Locator;
  readonly alert: Locator;

  constructor(page: Page) {
    this.page = page;
    this.list = page.getByTestId('process-list');
    this.rows = page.getByTestId('process-row');
    this.detail = page.getByTestId('detail');
    this.log = page.getByTestId('log');
    this.lines = page.getByTestId('log-line');
    this.follow = page.getByTestId('follow');
    this.connection = page.getByTestId('connection');
    this.alert = page.getByTestId('alert');
  }

  /** A fact of the detail: its status, its pid, ... */
  fact(name: 'status' | 'reason' | 'pid' | 'exit' | 'duration' | 'cpu' | 'memory'): Locator {
    return this.detail.getByTestId(name);
  }

  script(name: string): Locator {
    return this.page.locator(`[data-testid="script-row"][data-script="${name}"]`);
  }

  /** Connected, which also means that the scripts of the page are at work. */
  async isLive(): Promise<void> {
    await expect(this.connection).toHaveAttribute('data-state', 'live');
  }

  async hasStatus(...statuses: Status[]): Promise<void> {
    const pattern = new RegExp(`^(${statuses.join('|')})$`);
    await expect(this.fact('status')).toHaveAttribute('data-status', pattern);
  }

  /** Starts a script with one click and answers the id of the process, whose detail is then open. */
  async start(name: string): Promise<string> {
    await this.script(name).getByTestId('script-start').click();
    return this.openedId();
  }

  /** Starts a script with arguments, through the dialog. */
  async startWith(name: string, args: string): Promise<string> {
    await this.page.getByTestId('start-open').click();
    const dialog = this.page.getByTestId('start-dialog');
    await chooseScript(dialog, name);
    await dialog.getByTestId('start-args').fill(args);
    await dialog.getByTestId('start-submit').click();
    await expect(dialog).toBeHidden();
    return this.openedId();
  }

  async open(id: string): Promise<void> {
    await this.page.locator(`[data-testid="process-row"][data-id="${id}"]`).click();
    await expect(this.page).toHaveURL(new RegExp(`/processes/${id}$`));
    await expect(this.detail).toBeVisible();
  }

  /** The number of the newest line in sight; -1 when there is none. */
  async lastIdx(): Promise<number> {
    const all = await this.lines.evaluateAll((lines) => lines.map((line) => line.getAttribute('data-idx')));
    return Math.max(-1, ...all.map(Number));
  }

  private async openedId(): Promise<string> {
    await expect(this.page).toHaveURL(/\/processes\/[0-9a-f-]+$/);
    await expect(this.detail).toBeVisible();
    return new URL(this.page.url()).pathname.split('/').at(-1) ?? '';
  }
}

/** The options' values are the UI's own business, so the choice is made by the words in them. */
export async function chooseScript(dialog: Locator, name: string): Promise<void> {
  const select = dialog.getByTestId('start-script');
  const option = select.locator('option').filter({ hasText: new RegExp(`^\\s*${name}\\b`) });
  await select.selectOption(await option.first().getAttribute('value'));
}

/** The number in a line of the example's `burst`; `undefined` for what others say in its log. */
export function burstNumber(entry: Entry): number | undefined {
  const number = /^burst line (\d+) of \d+$/.exec(entry.line)?.[1];
  return number === undefined ? undefined : Number(number);
}
