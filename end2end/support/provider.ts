/** A real OpenID Connect provider on loopback: it takes any password, and tells groups by name. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

import type { Locator, Page } from '@playwright/test';
import { Provider } from 'oidc-provider';

export const CLIENT_ID = 'runyard';
export const CLIENT_SECRET = 'a secret between runyard and its provider';

export class IdentityProvider {
  readonly issuer: string;
  /** The groups of each person, as they are now. */
  readonly groups = new Map<string, string[]>();
  readonly #server: Server;

  private constructor(issuer: string, server: Server) {
    this.issuer = issuer;
    this.#server = server;
  }

  /** Starts one that knows Runyard at `runyardUrl`. */
  static async start(port: number, runyardUrl: string): Promise<IdentityProvider> {
    const issuer = `http://127.0.0.1:${port}`;
    const server = createServer();
    const provider = new IdentityProvider(issuer, server);
    const oidc = new Provider(issuer, {
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          redirect_uris: [`${runyardUrl}/sign-in/callback`],
          post_logout_redirect_uris: [`${runyardUrl}/sign-in`],
        },
      ],
      claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
      cookies: { keys: ['of this test alone'] },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, preferred_username: id, groups: provider.groups.get(id) ?? [] }),
      }),
    });
    server.on('request', oidc.callback());
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return provider;
  }

  /** Ends it; again is no harm. */
  async stop(): Promise<void> {
    if (!this.#server.listening) {
      return;
    }
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Says who one is, on the provider's first page. */
export async function enterName(page: Page, name: string): Promise<void> {
  await page.locator('input[name=login]').fill(name);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
}

/** The form on its second page, which lets it tell Runyard. */
export function consentForm(page: Page): Locator {
  return page.locator('form:has(input[name=prompt][value=consent])');
}

/** Signs in at the provider and lets it tell Runyard. */
export async function signInAtProvider(page: Page, name: string): Promise<void> {
  await enterName(page, name);
  await consentForm(page).locator('button[type=submit]').click();
}
