/** Signing in at an OpenID Connect provider, and every way in which it is refused. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Browser, Page } from '@playwright/test';

import { expect, test as base } from '../support/fixtures.ts';
import { addPerson } from '../support/people.ts';
import { freePort } from '../support/processes.ts';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  IdentityProvider,
  consentForm,
  enterName,
  signInAtProvider,
} from '../support/provider.ts';
import { Runyard } from '../support/runyard.ts';

const CONFIG = `[oidc.role_map]\nops = "operator"\nstaff = "viewer"\n`;

const test = base.extend<{ port: number; provider: IdentityProvider }>({
  port: async ({}, use) => use(await freePort()),
  provider: async ({ port }, use) => {
    const provider = await IdentityProvider.start(await freePort(), `http://127.0.0.1:${port}`);
    await use(provider);
    await provider.stop();
  },
  runyard: async ({ port, provider, serverEnv }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'runyard-oidc-'));
    writeFileSync(join(folder, 'package.json'), '{"name": "p", "scripts": {"hello": "echo hello"}}');
    writeFileSync(join(folder, 'runyard.toml'), CONFIG);
    writeFileSync(join(folder, 'client-secret'), `${CLIENT_SECRET}\n`, { mode: 0o600 });
    const env = {
      RUNYARD_OIDC__ISSUER: provider.issuer,
      RUNYARD_OIDC__CLIENT_ID: CLIENT_ID,
      RUNYARD_OIDC__CLIENT_SECRET_FILE: join(folder, 'client-secret'),
      RUNYARD_OIDC__PUBLIC_URL: `http://127.0.0.1:${port}`,
      RUNYARD_OIDC__SCOPES: 'profile,groups',
      RUNYARD_OIDC__LABEL: 'Example',
      ...serverEnv,
    };
    const runyard = await Runyard.start(env, folder, port);
    try {
      await use(runyard);
    } finally {
      await runyard.dispose();
      rmSync(folder, { recursive: true });
    }
  },
});

/** A browser of its own on the page that says how to get in. */
async function visit(browser: Browser, runyard: Runyard): Promise<Page> {
  const context = await browser.newContext({ baseURL: runyard.url });
  const page = await context.newPage();
  await page.goto('/sign-in');
  return page;
}

/** One who gives this name at the provider; what Runyard says to it is for the test to see. */
async function arrive(browser: Browser, runyard: Runyard, name: string): Promise<Page> {
  const page = await visit(browser, runyard);
  await page.getByTestId('sign-in-provider').click();
  await signInAtProvider(page, name);
  return page;
}

/** The same, who is let in. */
async function signIn(browser: Browser, runyard: Runyard, name: string): Promise<Page> {
  const page = await arrive(browser, runyard, name);
  await expect(page).toHaveURL(`${runyard.url}/`);
  return page;
}

/** The address that the provider sends the browser back to, which is not asked for. */
async function catchCallback(page: Page, name: string): Promise<string> {
  const begun = await page.request.get('/sign-in/oidc', { maxRedirects: 0 });
  await page.goto(begun.headers()['location'] ?? '');
  await enterName(page, name);
  const action = await consentForm(page).getAttribute('action');
  let url = new URL(action ?? '', page.url()).href;
  let answer = await page.request.post(url, { form: { prompt: 'consent' }, maxRedirects: 0 });
  for (;;) {
    url = new URL(answer.headers()['location'] ?? '', url).href;
    if (url.includes('/sign-in/callback?')) {
      return url;
    }
    answer = await page.request.get(url, { maxRedirects: 0 });
  }
}

async function me(page: Page): Promise<{ status: number; name?: string; role?: string }> {
  const answer = await page.request.get('/api/me');
  return { status: answer.status(), ...(answer.ok() ? await answer.json() : {}) };
}

async function signInLines(runyard: Runyard): Promise<Record<string, unknown>[]> {
  const headers = { authorization: `Bearer ${await runyard.token()}` };
  const answer = await fetch(`${runyard.url}/api/audit?action=session.create`, { headers });
  return ((await answer.json()) as { lines: Record<string, unknown>[] }).lines;
}

test('groups are roles, at each sign-in those of that moment', async ({ browser, runyard, provider }) => {
  provider.groups.set('ada', ['cooks', 'ops']);
  const page = await signIn(browser, runyard, 'ada');
  expect(await me(page)).toMatchObject({ status: 200, name: 'ada', role: 'operator' });
  expect((await signInLines(runyard))[0]).toMatchObject({
    actor: 'ada',
    via: 'oidc',
    outcome: 'ok',
    address: '127.0.0.1',
  });

  await page.goto('/account');
  await page.getByTestId('sign-out').click();
  await expect(page).toHaveURL(/\/sign-in$/);
  expect((await me(page)).status).toBe(401);
  provider.groups.set('ada', ['staff']);
  await expect(page.getByTestId('sign-in-provider')).toHaveText('Sign in with Example');
  // The provider knows the browser, and asks nothing.
  await page.getByTestId('sign-in-provider').click();
  await expect(page).toHaveURL(`${runyard.url}/`);
  expect(await me(page)).toMatchObject({ name: 'ada', role: 'viewer' });

  // No group, no role: also what is open elsewhere ends.
  provider.groups.set('ada', ['cooks']);
  const elsewhere = await arrive(browser, runyard, 'ada');
  await expect(elsewhere.getByTestId('alert')).toContainText('none of your groups has a role');
  expect((await me(elsewhere)).status).toBe(401);
  expect((await me(page)).status).toBe(401);
  expect((await signInLines(runyard))[0]).toMatchObject({
    actor: 'ada',
    outcome: 'sign_on_role',
  });
});

test('a name at the provider is no name here', async ({ page, browser, runyard, provider }) => {
  await page.goto(runyard.signInLink);
  await addPerson(page, 'ada', 'admin');
  provider.groups.set('ada', ['staff']);
  const other = await signIn(browser, runyard, 'ada');
  expect(await me(other)).toMatchObject({ name: 'ada (ada)', role: 'viewer' });
});

test('who is called admin there is not the admin here', async ({ page, browser, runyard, provider }) => {
  provider.groups.set('admin', ['staff']);
  const other = await signIn(browser, runyard, 'admin');
  // The console's link makes its own admin, and nobody of the provider.
  await page.goto(runyard.signInLink);
  expect(await me(page)).toMatchObject({ name: 'admin', role: 'admin' });
  expect(await me(other)).toMatchObject({ name: 'admin (admin)', role: 'viewer' });
});

test('an answer is taken once, by the browser that asked', async ({ browser, runyard, provider }) => {
  provider.groups.set('ada', ['staff']);
  provider.groups.set('eve', ['staff']);
  const page = await visit(browser, runyard);
  const back = await catchCallback(page, 'ada');
  const kept = await page.context().cookies(`${runyard.url}/sign-in`);
  const refused = async (one: Page, url: string, words: string) => {
    await one.goto(url);
    await expect(one.getByTestId('alert')).toContainText(words);
    expect((await me(one)).status).toBe(401);
  };
  const stranger = await visit(browser, runyard);
  await refused(stranger, back, 'began in another browser');
  await refused(stranger, `${runyard.url}/sign-in/callback?code=x&state=y`, 'began in another browser');
  // Another state than that of the cookie: and the cookie is spent.
  const wrong = new URL(back);
  wrong.searchParams.set('state', 'another');
  await refused(page, wrong.href, 'began in another browser');

  await page.context().addCookies(kept);
  await page.goto(back);
  await expect(page).toHaveURL(`${runyard.url}/`);
  expect((await me(page)).status).toBe(200);

  // The same answer again, with everything that belongs to it.
  await stranger.context().addCookies(kept);
  await refused(stranger, back, 'was finished before');
  // The code of that answer within a sign-in that is good: the provider knows that it was used.
  const fresh = await visit(browser, runyard);
  const mixed = new URL(await catchCallback(fresh, 'eve'));
  mixed.searchParams.set('code', new URL(back).searchParams.get('code') ?? '');
  await refused(fresh, mixed.href, 'was refused');
  const outcomes = (await signInLines(runyard)).map((line) => line['outcome']);
  expect(outcomes).toEqual([
    'sign_on_refused',
    'sign_on_state',
    'ok',
    'sign_on_state',
    'sign_on_state',
    'sign_on_state',
  ]);
});

test('what the provider refuses, and that it is not there, is told', async ({ browser, runyard, provider }) => {
  const page = await visit(browser, runyard);
  await page.getByTestId('sign-in-provider').click();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect(page.getByTestId('alert')).toContainText('was refused');
  const there = await page.request.get('/sign-in/oidc', { maxRedirects: 0 });
  expect(there.headers()['location']).toContain('code_challenge_method=S256');

  provider.groups.set('ada', ['staff']);
  const other = await visit(browser, runyard);
  const back = await catchCallback(other, 'ada');
  await provider.stop();
  await other.goto(back);
  await expect(other.getByTestId('alert')).toContainText('cannot be reached');
  const outcomes = (await signInLines(runyard)).map((line) => line['outcome']);
  expect(outcomes).toEqual(['sign_on_unavailable', 'sign_on_refused']);
});

test.describe('with sign_out', () => {
  test.use({ serverEnv: { RUNYARD_OIDC__SIGN_OUT: 'true' } });

  test('signing out ends the session at the provider, too', async ({ browser, runyard, provider }) => {
    provider.groups.set('ada', ['staff']);
    const page = await signIn(browser, runyard, 'ada');
    // What is kept for it outlives the server.
    await runyard.killServer();
    await runyard.startServer();
    await page.goto('/account');
    const asked = page.waitForRequest((request) => request.url().includes('/session/end?'));
    await page.getByTestId('sign-out').click();
    const address = new URL((await asked).url());
    expect(address.origin).toBe(provider.issuer);
    expect(address.searchParams.get('post_logout_redirect_uri')).toBe(`${runyard.url}/sign-in`);
    expect(address.searchParams.get('id_token_hint')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect((await me(page)).status).toBe(401);
    await page.locator('button[name=logout][value=yes]').click();
    await expect(page).toHaveURL(`${runyard.url}/sign-in`);
    // The provider does not know the browser any more.
    await page.getByTestId('sign-in-provider').click();
    await expect(page.locator('input[name=login]')).toBeVisible();
  });

  test('a provider that cannot be asked keeps nobody in', async ({ browser, runyard, provider }) => {
    provider.groups.set('ada', ['staff']);
    const page = await signIn(browser, runyard, 'ada');
    await provider.stop();
    // It knew a moment ago where sessions end; now it does not know that either.
    await runyard.killServer();
    await runyard.startServer();
    await page.goto('/account');
    await page.getByTestId('sign-out').click();
    await expect(page.getByTestId('alert')).toContainText('You are signed out here');
    expect((await me(page)).status).toBe(401);
  });
});
