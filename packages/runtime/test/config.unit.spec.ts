import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSecret } from '../src/config-secrets.js';
import { loadConfig, parseConfig } from '../src/config.js';
import { isCoded } from '../src/errors.js';
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

describe('the configuration', () => {
  it('fills in defaults and is frozen', () => {
    const config = parseConfig(minimal);
    expect(config.nodeAgent.heartbeatMs).toBe(200);
    expect(config.dialogLedger.port).toBe(9060);
    expect(Object.isFrozen(config.nodes[0]?.ari)).toBe(true);
  });

  it('names every wrong key in one error', () => {
    const wrong = { ...minimal, nats: { servers: [] }, sentinel: { suspectAfter: 5 } };
    try {
      parseConfig(wrong);
      expect.unreachable();
    } catch (error) {
      expect(isCoded(error, 'CONFIG_INVALID')).toBe(true);
      expect(String(error)).toContain('servers');
      expect(String(error)).toContain('suspectAfter');
    }
  });

  it('refuses a node id that could not stand in a NATS subject', () => {
    const wrong = { ...minimal, nodes: [{ ...minimal.nodes[0], id: 'ast.1 >' }] };
    expect(() => parseConfig(wrong)).toThrow(/CONFIG_INVALID/);
  });

  it.each([
    ['id', { id: 'ast1', hepCaptureId: 2 }, /same id/],
    ['capture id', { id: 'ast2', hepCaptureId: 1 }, /same hepCaptureId/],
  ])('refuses two nodes of one %s', (_what, more, problem) => {
    const nodes = [
      { ...minimal.nodes[0], hepCaptureId: 1 },
      { ...minimal.nodes[0], ...more },
    ];
    expect(() => parseConfig({ ...minimal, nodes })).toThrow(problem);
    const others = nodes.map((node, index) => ({ ...node, id: `ast${index}`, hepCaptureId: undefined }));
    expect(() => parseConfig({ ...minimal, nodes: others })).not.toThrow();
  });

  it('refuses an ARI URL whose scheme is missing, also where the host looks like one', () => {
    const ari = { ...minimal.nodes[0]?.ari, url: 'ast1:8088' };
    expect(() => parseConfig({ ...minimal, nodes: [{ ...minimal.nodes[0], ari }] })).toThrow(/ari\.url/);
  });

  it('refuses a SIP address that is a name', () => {
    const nodes = [{ ...minimal.nodes[0], sipAddresses: ['ast1.example'] }];
    expect(() => parseConfig({ ...minimal, nodes })).toThrow(/IP address/);
  });

  it('says so when the file cannot be read or is not YAML', async () => {
    const dir = await directory('reinvite-config-');
    await expect(loadConfig(path.join(dir, 'none.yaml'))).rejects.toThrow(/CONFIG_UNREADABLE/);
    await writeFile(path.join(dir, 'torn.yaml'), 'nats: { password: s3cret }\nnats: {}\n');
    const torn = loadConfig(path.join(dir, 'torn.yaml'));
    await expect(torn).rejects.toThrow(/CONFIG_UNREADABLE.*torn\.yaml: .*unique at line 2, column 1$/);
    await expect(torn).rejects.not.toThrow(/s3cret/);
  });

  it('takes a secret from its file', async () => {
    const file = path.join(await directory('reinvite-secret-'), 'secret');
    await writeFile(file, 's3cret\n');
    await expect(readSecret('ari password', undefined, file)).resolves.toBe('s3cret');
    await expect(readSecret('ari password', undefined, undefined)).rejects.toThrow(/CONFIG_INVALID/);
  });
});

describe('the example configuration', () => {
  it('is valid', async () => {
    const file = new URL('../../../deploy/reinvite.example.yaml', import.meta.url).pathname;
    const config = await loadConfig(file);
    expect(config.nodes.map((node) => node.id)).toEqual(['ast1', 'ast2']);
  });
});

describe('the configuration of HOMER', () => {
  const homer = { version: 7, url: 'https://homer.example/', username: 'reinvite', password: 'secret' };
  const withHomer = (changes: object): unknown => ({
    ...minimal,
    dialogs: { sources: 'homer' },
    homer: { ...homer, ...changes },
  });

  it('is not needed, and the ledger is the source, where nothing is said', () => {
    expect(parseConfig(minimal)).toMatchObject({ dialogs: { sources: 'ledger' } });
    expect(parseConfig(withHomer({})).homer).toMatchObject({ settleMs: 6_000, deadlineMs: 15_000 });
  });

  it('is needed where HOMER is a source', () => {
    const wrong = { ...minimal, dialogs: { sources: 'ledger+homer' } };
    expect(() => parseConfig(wrong)).toThrow(/CONFIG_INVALID.*\n.*homer/);
  });

  it.each([
    ['what is no URL', { url: 'homer.example' }, /homer\.url/],
    ['a URL with credentials', { url: 'https://reinvite:secret@homer.example/' }, /credentials/],
    ['a password and a token', { authToken: 'key' }, /either username/],
    ['a password twice', { passwordFile: '/etc/reinvite/homer.password' }, /either username/],
    ['no password', { password: undefined }, /either username/],
    ['a deadline before anything can settle', { deadlineMs: 6_000 }, /deadlineMs/],
    ['more Call-IDs than HOMER 11 looks at', { batchSize: 51 }, /batchSize/],
    ['a HOMER that is not known', { version: 10 }, /version/],
  ])('refuses %s, and does not tell the password', (_what, changes, problem) => {
    try {
      parseConfig(withHomer(changes));
      expect.unreachable();
    } catch (error) {
      expect(String(error)).toMatch(/CONFIG_INVALID/);
      expect(String(error)).toMatch(problem);
      expect(String(error)).not.toContain('secret');
    }
  });

  it('takes a token in place of a user', () => {
    const token = { username: undefined, password: undefined, authTokenFile: '/etc/reinvite/homer.token' };
    expect(parseConfig(withHomer(token)).homer).toMatchObject({ authTokenFile: '/etc/reinvite/homer.token' });
  });
});
