import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from '../src/config.js';
import { fileFor, postgresUrl, readSecret, withEnvironment } from '../src/config-secrets.js';
import { createLogger } from '../src/logger.js';
import { keepSecret, keepSecretOfUrl, withoutSecrets } from '../src/secrets.js';
import { directory } from './directory.js';

const minimal = {
  nats: { servers: ['nats://10.0.0.1:4222'] },
  postgres: { url: 'postgres://reinvite@10.0.0.1/reinvite' },
  nodes: [
    {
      id: 'ast1',
      sipAddresses: ['10.0.0.11'],
      ari: { url: 'http://10.0.0.11:8088', username: 'reinvite', password: 'x' },
    },
  ],
};
const [node] = minimal.nodes;

describe('a secret that is given twice', () => {
  it.each([
    ['of ARI', { nodes: [{ ...node, ari: { ...node?.ari, passwordFile: '/etc/ari' } }] }, /password and/],
    ['of Postgres', { postgres: { url: 'postgres://a@b/c', urlFile: '/etc/pg' } }, /url and urlFile/],
    ['of captures', { dialogLedger: { capturePassword: 'p', capturePasswordFile: '/etc/hep' } }, /capture/],
    [
      'of HOMER',
      { homer: { version: 7, url: 'http://h', username: 'u', password: 'p', passwordFile: '/etc/h' } },
      /either username/,
    ],
    ['half of a certificate for NATS', { nats: { servers: ['a'], tls: { certFile: '/c' } } }, /go together/],
  ])('%s is refused', (_what, change, problem) => {
    expect(() => parseConfig({ ...minimal, ...change })).toThrow(/CONFIG_INVALID/);
    expect(() => parseConfig({ ...minimal, ...change })).toThrow(problem);
  });
});

describe('the environment', () => {
  it('gives what the configuration names, wherever it stands', async () => {
    const file = path.join(await directory('reinvite-env-'), 'reinvite.yaml');
    process.env.REINVITE_TEST_PASSWORD = 'p"w: \\ | & #';
    const ari = { ...node?.ari, password: '${REINVITE_TEST_PASSWORD}' };
    await writeFile(file, JSON.stringify({ ...minimal, nodes: [{ ...node, ari }] }));
    const config = await loadConfig(file);
    expect(config.nodes[0]?.ari.password).toBe('p"w: \\ | & #');
  });

  it('has to have what is named: all that is missing is said at once', () => {
    const raw = { a: '${NOT_SET_A}', b: ['x${NOT_SET_B}y'], c: 'plain' };
    expect(() => withEnvironment(raw, {})).toThrow(/CONFIG_INVALID.*NOT_SET_A, NOT_SET_B/);
  });

  it('leaves alone what is no name, and "$${" is how "${" is written', () => {
    const raw = { a: '$5 {x} $x ${1}', b: 'a$${HOME}b', n: 5, t: true, z: null };
    expect(withEnvironment(raw, { HOME: '/root' })).toEqual({ ...raw, b: 'a${HOME}b' });
  });

  it('does not read what it has put in', () => {
    expect(withEnvironment('${A}', { A: '${B}', B: 'no' })).toBe('${B}');
  });
});

describe('a secret of one service', () => {
  it('is in a file whose path has the name of the service', async () => {
    const dir = await directory('reinvite-secret-');
    await writeFile(path.join(dir, 'sentinel.url'), 'postgres://sentinel:own-secret@db/reinvite\n');
    const postgres = { urlFile: path.join(dir, '{service}.url'), poolSize: 8 };
    expect(await postgresUrl({ postgres }, 'sentinel')).toBe('postgres://sentinel:own-secret@db/reinvite');
    await expect(postgresUrl({ postgres }, 'recovery')).rejects.toThrow(/CONFIG_UNREADABLE.*recovery\.url/);
    expect(fileFor('/a/{service}/{service}.nk', 'x')).toBe('/a/x/x.nk');
  });
});

describe('the log', () => {
  function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
    let line = '';
    write(createLogger('test', 'info', { write: (text) => void (line += text) }));
    return line;
  }

  it('has no secret that was read, wherever a library has put it', async () => {
    await readSecret('test', 'tr1cky "secret"\\', undefined);
    keepSecretOfUrl('postgres://reinvite:p%40ssw%20rd@10.0.0.1:5432/reinvite?sslmode=verify-full');
    const line = logged((log) =>
      log.error(
        { err: new Error('login as tr1cky "secret"\\ failed'), deep: { down: ['p%40ssw%20rd'] } },
        'with p@ssw rd',
      ),
    );
    expect(JSON.parse(line)).toMatchObject({ msg: 'with [cut]', deep: { down: ['[cut]'] } });
    expect(line).toContain('login as [cut] failed');
    expect(line).not.toMatch(/tr1cky|p%40ssw|p@ssw/);
  });

  it('has nothing that a command got from the environment, and has the names that a node got', () => {
    const environment = { FENCE_PASS: 'from-outside', NODE: 'asterisk-7' };
    withEnvironment({ fenceCommand: ['fence', '-p${FENCE_PASS}'], nodeId: '${NODE}' }, environment);
    expect(logged((log) => log.warn({ nodeId: 'asterisk-7' }, 'seen'))).toContain('asterisk-7');
    expect(
      JSON.parse(logged((log) => log.warn({ output: 'login from-outside refused' }, 'ended'))),
    ).toMatchObject({ output: 'login [cut] refused' });
    expect(withoutSecrets('-pfrom-outside', '[set]')).toBe('-p[set]');
  });

  it('has no secret of six characters or more in any text (property)', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, maxLength: 40 }), fc.string(), fc.string(), (secret, a, b) => {
        // What a censored secret leaves behind is no part of a secret that looks like it.
        fc.pre(!'[cut]'.includes(secret) && !secret.includes('[cut]'));
        keepSecret(secret);
        const clean = withoutSecrets(`${a}${secret}${b}`);
        expect(clean.includes(secret) && !`${a}[cut]${b}`.includes(secret)).toBe(false);
      }),
    );
  });
});
