/** Tokens of others, as the two most used libraries make them: `jose` here, and PyJWT. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { SignJWT, exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';

import { expect, test } from '../support/fixtures.ts';
import { Runyard } from '../support/runyard.ts';

const ISSUER = 'https://id.example';
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
const TOOLS =
  process.env['RUNYARD_TOOLS'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'runyard/tools');
const PYTHON = join(TOOLS, 'python/bin/python');

const MAKE_WITH_PYJWT = `
import json, sys, time, jwt
key, algorithm, audience = sys.argv[1], sys.argv[2], sys.argv[3]
claims = {"iss": "${ISSUER}", "aud": audience, "sub": "from-python", "role": "ops",
          "exp": int(time.time()) + 60, "nbf": int(time.time())}
print(jwt.encode(claims, open(key).read(), algorithm=algorithm, headers={"kid": algorithm}))
`;

test('tokens of jose and of PyJWT are taken, and refused where they must be', async ({ request }) => {
  const folder = mkdtempSync(join(tmpdir(), 'runyard-jwks-'));
  const pairs = await Promise.all(
    ALGORITHMS.map(async (algorithm) => ({
      algorithm,
      ...(await generateKeyPair(algorithm, { extractable: true })),
    })),
  );
  const keys: JWK[] = [];
  for (const { algorithm, publicKey, privateKey } of pairs) {
    keys.push({ ...(await exportJWK(publicKey)), kid: algorithm, alg: algorithm, use: 'sig' });
    writeFileSync(join(folder, algorithm), await exportPKCS8(privateKey), { mode: 0o600 });
  }
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys }));
  const runyard = await Runyard.start({
    RUNYARD_AUTH__JWKS_FILE: join(folder, 'jwks.json'),
    RUNYARD_AUTH__ISSUER: ISSUER,
    RUNYARD_AUTH__AUDIENCE: 'runyard',
    RUNYARD_AUTH__DEFAULT_ROLE: 'viewer',
  });
  try {
    const ask = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await request.get(`${runyard.url}/api/me`, { headers });
      return { status: answer.status(), me: await answer.json() };
    };
    for (const { algorithm, privateKey } of pairs) {
      const jose = (audience: string, ends: string) =>
        new SignJWT({})
          .setProtectedHeader({ alg: algorithm, kid: algorithm })
          .setIssuer(ISSUER)
          .setAudience(audience)
          .setSubject('from-jose')
          .setExpirationTime(ends)
          .sign(privateKey);
      const python = (audience: string) =>
        execFileSync(PYTHON, ['-c', MAKE_WITH_PYJWT, join(folder, algorithm), algorithm, audience], {
          encoding: 'utf8',
        }).trim();
      expect(await ask(await jose('runyard', '1m')), algorithm).toMatchObject({
        status: 200,
        me: { name: `from-jose (${ISSUER})`, role: 'viewer', via: 'external' },
      });
      expect(await ask(python('runyard')), algorithm).toMatchObject({
        status: 200,
        me: { name: `from-python (${ISSUER})` },
      });
      for (const refused of [
        await jose('another', '1m'),
        await jose('runyard', '-1m'),
        python('another'),
      ]) {
        expect((await ask(refused)).status, algorithm).toBe(401);
      }
    }
  } finally {
    await runyard.dispose();
    rmSync(folder, { recursive: true });
  }
});
