/** What a page of another site can do to somebody who is signed in. */

import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { expect, test } from '../support/fixtures.ts';

/** The other site: another port is another origin, and the same site for cookies. */
async function otherSite(): Promise<{ url: string; server: Server }> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<!DOCTYPE html><title>elsewhere</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

test('another site reads nothing, starts nothing and opens no socket', async ({ app, page, runyard, api }) => {
  await app.isLive();
  const { url, server } = await otherSite();
  try {
    const elsewhere = await page.context().newPage();
    await elsewhere.goto(url);
    const results = await elsewhere.evaluate(async (target) => {
      const attempt = async (path: string, init: RequestInit) => {
        try {
          const answer = await fetch(target + path, { credentials: 'include', ...init });
          return answer.type === 'opaque' ? 'opaque' : `${answer.status}`;
        } catch {
          return 'blocked';
        }
      };
      const start = JSON.stringify({ scriptName: 'tick' });
      const simple = { method: 'POST', mode: 'no-cors' as const };
      const socket = await new Promise<string>((resolve) => {
        const ws = new WebSocket(`${target.replace('http', 'ws')}/ws`);
        ws.onopen = () => resolve('open');
        ws.onerror = () => resolve('refused');
      });
      return {
        read: await attempt('/api/processes', {}),
        start: await attempt('/api/processes', { ...simple, body: start }),
        call: await attempt('/api/ui/start_process', { ...simple, body: `{"request":${start}}` }),
        form: await attempt('/people', {
          ...simple,
          body: new URLSearchParams({ name: 'eve', role: 'admin', password: 'correct horse battery' }),
        }),
        socket,
      };
    }, runyard.url);
    // The requests are sent; that they do nothing is looked at below. Their answers are not even opaque,
    // for they are for our own pages alone (Cross-Origin-Resource-Policy).
    expect(results).toEqual({
      read: 'blocked',
      start: 'blocked',
      call: 'blocked',
      form: 'blocked',
      socket: 'refused',
    });
    // A form that goes there, as a click on the other site would send it.
    await elsewhere.evaluate((target) => {
      const form = document.createElement('form');
      form.method = 'post';
      form.action = `${target}/sign-out`;
      document.body.append(form);
      form.submit();
    }, runyard.url);
    await expect(elsewhere.locator('body')).toContainText('origin_denied');
    // Nothing happened: no process, nobody new, and the session is still good.
    expect(await api.processes()).toEqual([]);
    await page.reload();
    await app.isLive();
    await page.goto('/people');
    await expect(page.getByTestId('user-row')).toHaveCount(1);
  } finally {
    server.close();
  }
});

test('another site cannot put us into a frame', async ({ app, page, runyard, violations }) => {
  await app.isLive();
  const { url, server } = await otherSite();
  try {
    const elsewhere = await page.context().newPage();
    await elsewhere.goto(url);
    await elsewhere.evaluate((target) => {
      const frame = document.createElement('iframe');
      frame.src = target;
      document.body.append(frame);
    }, runyard.url);
    await expect
      .poll(() => elsewhere.frames().map((frame) => frame.url()))
      .toContainEqual(expect.stringMatching(/^chrome-error:/));
    // It is the policy that forbids it, and nothing else is forbidden.
    await expect.poll(() => violations.join()).toContain("frame-ancestors 'none'");
    expect(violations).toHaveLength(1);
    violations.length = 0;
  } finally {
    server.close();
  }
});

test('under a name of its own, no other server of this machine is sent the session', async ({
  page,
  runyard,
}) => {
  const { port } = new URL(runyard.url);
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.cookie);
    response.setHeader('content-type', 'text/html').end('<!DOCTYPE html><title>elsewhere</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const other = (server.address() as AddressInfo).port;
  try {
    // Browsers know that every name below localhost is this machine.
    const own = `http://runyard.localhost:${port}`;
    await page.goto(runyard.signInLink.replace(runyard.url, own));
    await expect(page).toHaveURL(`${own}/`);
    await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live');
    await page.goto(`http://127.0.0.1:${other}/`);
    await page.goto(`http://localhost:${other}/`);
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(seen.filter((cookie) => cookie?.includes('runyard'))).toEqual([]);
  } finally {
    server.close();
  }
});
