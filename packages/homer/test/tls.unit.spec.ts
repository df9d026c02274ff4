import { makeCertificates, testDirectory } from '@reinvite/test-support';
import { describe, expect, it, vi } from 'vitest';
import { HOMER7_LOGIN } from '../src/api/homer7.js';
import { HomerSession } from '../src/session.js';
import { established, INBOUND, Scene, SEARCH } from './scene.js';

// HOMER is asked again and again, with pauses; a machine that does much else takes its time.
vi.setConfig({ testTimeout: 60_000 });

describe.each([7, 11] as const)('HOMER %i behind TLS', (version) => {
  it('is believed with the authority that signed its certificate for this host', async () => {
    const { caFile, ...tls } = await makeCertificates(testDirectory('reinvite-tls-'), 'IP:127.0.0.1');
    const { fake, source } = await Scene.open(version, { tls, homer: { caFile } });
    for (const packet of established) fake.add(packet);
    expect((await source.findByCallIds([INBOUND], SEARCH)).get(INBOUND)).toHaveLength(1);
    await fake.stop();
  });

  it.each([
    ['an authority that is not known', ['IP:127.0.0.1'], false, /UNABLE_TO_VERIFY|SELF_SIGNED/],
    ['a certificate for another host', ['DNS:homer.example', 'IP:192.0.2.1'], true, /ALTNAME/],
  ])('gets no login with %s', async (_what, names, isTrusted, problem) => {
    const { caFile, ...tls } = await makeCertificates(testDirectory('reinvite-tls-'), ...names);
    const { fake, source } = await Scene.open(version, { tls, homer: isTrusted ? { caFile } : {} });
    expect(await source.greet()).toBe('HOMER_UNREACHABLE');
    const session = new HomerSession({
      settings: { url: fake.url, requestTimeoutMs: 2_000 },
      credentials: { kind: 'token', header: 'Auth-Token', token: 'homer-auth-token' },
      login: HOMER7_LOGIN,
      ca: isTrusted ? tls.ca : undefined,
    });
    const asked = session.query('/api/v3/call/transaction', {}, new AbortController().signal);
    await expect(asked).rejects.toThrow(problem);
    expect({ logins: fake.logins, queries: fake.queries }).toEqual({ logins: 0, queries: [] });
    await fake.stop();
  });
});
