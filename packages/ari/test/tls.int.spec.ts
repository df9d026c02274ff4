import { readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';
import { makeCertificates, testDirectory } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ariAccess, askAsterisk, connectAri, type AriAccess } from '../src/index.js';

const log = createLogger('test', 'silent');

describe('ARI of a real Asterisk behind TLS', () => {
  let lab: Lab;
  let access: AriAccess;
  /** Passes everything on to that Asterisk, at an address that its certificate does not name. */
  let elsewhere: Server;
  const stop = new AbortController();

  beforeAll(async () => {
    lab = await startLab({ nodes: 1, reinvite: false });
    const { username = '', password = '' } = lab.info.ari['ast1'] ?? {};
    const host = lab.info.hosts['ast1']?.address ?? '';
    const ca = await readFile(path.join(lab.info.shared, 'tls', 'ca.pem'), 'utf8');
    access = { url: `https://${host}:8089`, username, password, ca };
    elsewhere = createServer((socket) => {
      const onward = connect(8089, host);
      socket.on('error', () => onward.destroy()).pipe(onward);
      onward.on('error', () => socket.destroy()).pipe(socket);
    });
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
  });
  afterAll(async () => {
    stop.abort(new Error('stopped'));
    elsewhere.close();
    await lab.down();
  });

  it('answers REST and opens its WebSocket to who trusts the authority of its certificate', async () => {
    const ari = connectAri({ ...access, app: 'test', subscribeAll: true, log, signal: stop.signal });
    const info = await ari.whenUp();
    await ari.bridges.create('over-tls');
    await ari.bridges.destroy('over-tls');
    expect(await askAsterisk(access, 5_000)).toEqual(info);
  });

  it('is not talked to without that authority, with another one, or where its certificate is for somebody else', async () => {
    const { port } = elsewhere.address() as AddressInfo;
    const { ca: other } = await makeCertificates(testDirectory('reinvite-tls-'), 'DNS:elsewhere.example');
    const wrong = [
      { ...access, ca: undefined },
      { ...access, ca: other },
      { ...access, url: `https://127.0.0.1:${port}` },
    ];
    for (const one of wrong) {
      await expect(askAsterisk(one, 5_000)).rejects.toThrow(/ARI_UNREACHABLE.*(CERT|SIGN|ALTNAME)/);
      const told: string[] = [];
      const watched = createLogger('test', 'warn', { write: (line) => void told.push(line) });
      const giveUp = new AbortController();
      const ari = connectAri({ ...one, app: 'wrong', log: watched, signal: giveUp.signal });
      const isUp = ari.whenUp().then(
        () => true,
        () => false,
      );
      await expect.poll(() => told.join(''), { timeout: 20_000 }).toMatch(/CERT|SIGN|ALTNAME/);
      giveUp.abort(new Error('enough'));
      expect(await isUp).toBe(false);
      expect(told.join('')).not.toContain(access.password);
    }
  });

  it('is reached as the configuration of a node says, which names what it cannot read', async () => {
    const ari = { url: access.url, username: 'reinvite', password: 'p' };
    const caFile = path.join(lab.info.shared, 'tls', 'ca.pem');
    expect(await ariAccess({ id: 'ast1', ari: { ...ari, caFile } })).toMatchObject({ ca: access.ca });
    await expect(ariAccess({ id: 'ast1', ari: { ...ari, caFile: '/nowhere' } })).rejects.toThrow(
      /CONFIG_UNREADABLE.*ari\.caFile of ast1/,
    );
  });
});
