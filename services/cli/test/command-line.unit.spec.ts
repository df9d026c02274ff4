import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseConfig, type Config } from '@reinvite/runtime';
import { testDirectory } from '@reinvite/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { requestOf } from '../src/commands/request.js';
import { withNode } from '../src/commands/run.js';
import { EXIT, runCommandLine } from '../src/index.js';
import { selectServices } from '../src/services.js';

const raw = {
  nats: { servers: ['nats://user:secret-of-nats@10.0.0.1:4222'] },
  postgres: { url: 'postgres://reinvite:secret-of-postgres@10.0.0.1/reinvite' },
  nodes: [
    {
      id: 'ast1',
      sipAddresses: ['10.0.0.11'],
      ari: { url: 'http://10.0.0.11:8088', username: 'reinvite', password: 'secret-of-ari' },
    },
  ],
};
const config: Config = parseConfig(raw);

const file = path.join(testDirectory('reinvite-cli-'), 'reinvite.yaml');
beforeAll(() => writeFile(file, JSON.stringify(raw)));

/** Runs the command; what it wrote comes back with its exit code. */
async function reinvite(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCommandLine(argv, { out: (line) => (out += line), err: (line) => (err += line) });
  return { code, out, err };
}

describe('selectServices', () => {
  it('takes each service once, in the order of the data’s way', () => {
    expect(selectServices(['recovery', 'sentinel', 'recovery'], config)).toEqual(['sentinel', 'recovery']);
  });

  it('takes all for every service, the node-agent only where its node is known', () => {
    expect(selectServices(['all'], config)).toEqual(['dialog-ledger', 'sentinel', 'recovery', 'ari-worker']);
    expect(selectServices(['all'], withNode(config, 'ast1'))[0]).toBe('node-agent');
  });

  it('refuses an unknown service, none at all, and a node-agent without a node', () => {
    expect(() => selectServices(['sentinels'], config)).toThrow(/USAGE_INVALID.*sentinels/);
    expect(() => selectServices([], config)).toThrow(/USAGE_INVALID/);
    expect(() => selectServices(['node-agent'], config)).toThrow(/CONFIG_INVALID.*--node/);
  });
});

describe('reinvite run', () => {
  it('ends with the usage code and one clear line for what is wrong on the command line or in the file', async () => {
    const unknown = await reinvite('run', 'sentinels', '--config', file);
    expect(unknown).toMatchObject({ code: EXIT.usage, out: '' });
    expect(unknown.err).toMatch(/^reinvite: USAGE_INVALID: unknown service sentinels/);

    const missing = await reinvite('run', 'sentinel', '--config', `${file}.not`);
    expect(missing.code).toBe(EXIT.usage);
    expect(missing.err).toMatch(/CONFIG_UNREADABLE/);

    const nowhere = await reinvite('run', 'node-agent', '--config', file, '--node', 'ast9');
    expect(nowhere.code).toBe(EXIT.usage);
    expect(nowhere.err).toMatch(/CONFIG_INVALID.*ast9/);

    expect((await reinvite('run', 'sentinel')).code).toBe(EXIT.usage);
    expect((await reinvite('fly')).code).toBe(EXIT.usage);
  });

  it('shows help and ends well', async () => {
    const help = await reinvite('run', '--help');
    expect(help.code).toBe(EXIT.ok);
    expect(help.out).toContain('ari-worker');
  });
});

describe('reinvite check-config', () => {
  it('prints what is in force, without a secret', async () => {
    const { code, out } = await reinvite('check-config', '--config', file);
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(out)).toMatchObject({ sentinel: { suspectAfterMs: 1_000 } });
    expect(out).not.toMatch(/secret-of/);
  });

  it('hides every secret that a section can hold', async () => {
    const { code, out } = await check({
      ...raw,
      dialogs: { sources: 'ledger+homer' },
      homer: { version: 7, url: 'http://10.0.0.9', authToken: 'secret-of-homer' },
      dialogLedger: { capturePassword: 'secret-of-hep' },
    });
    expect(code).toBe(EXIT.ok);
    expect(out).toContain('"authToken": "[set]"');
    expect(out).not.toMatch(/secret-of/);
  });

  it('hides the secret of the manager interface, and what a command got from the environment', async () => {
    process.env.REINVITE_TEST_FENCE = 'secret-of-fence';
    const { code, out } = await check({
      ...raw,
      nodeAgent: { ami: { secret: 'secret-of-ami' } },
      sentinel: { fenceCommand: ['fence', '--password=${REINVITE_TEST_FENCE}', '{nodeId}'] },
    });
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(out)).toMatchObject({
      nodeAgent: { ami: { username: 'reinvite', secret: '[set]' } },
      sentinel: { fenceCommand: ['fence', '--password=[set]', '{nodeId}'] },
    });
    expect(out).not.toMatch(/secret-of/);
  });

  it('refuses a configuration without the secrets that the services need, and names all that are missing', async () => {
    const [node] = raw.nodes;
    const { url, username } = node?.ari ?? { url: '', username: '' };
    const nodes = [{ ...node, ari: { url, username } }];
    const bare = { ...raw, postgres: {}, nodes, nodeAgent: { ami: {} } };
    const { code, out, err } = await check(bare);
    expect({ code, out }).toEqual({ code: EXIT.usage, out: '' });
    expect(err).toMatch(/CONFIG_INVALID.*postgres\.url.*ARI password of ast1.*nodeAgent\.ami\.secret/s);
  });

  it('warns of a secret that cannot be read here, and of a group without a policy', async () => {
    const [node] = raw.nodes;
    const { code, err } = await check({
      ...raw,
      postgres: { urlFile: '/nowhere/postgres.url' },
      nodes: [{ ...node, group: 'red' }],
      dialogLedger: { capturePasswordFile: '/nowhere/capture' },
      homer: {
        version: 7,
        url: 'http://10.0.0.9',
        username: 'u',
        passwordFile: '/nowhere/homer',
        caFile: '/nowhere/ca',
      },
    });
    expect(code).toBe(EXIT.ok);
    expect(err).toMatch(/postgres\.url: cannot read \/nowhere\/postgres\.url/);
    expect(err).toMatch(/dialogLedger\.capturePassword: cannot read \/nowhere\/capture/);
    expect(err).toMatch(
      /homer\.password: cannot read \/nowhere\/homer.*homer\.caFile: cannot read \/nowhere\/ca/,
    );
    expect(err).toMatch(/group red has no recovery policy/);
  });

  async function check(given: object): ReturnType<typeof reinvite> {
    const other = path.join(path.dirname(file), 'other.yaml');
    await writeFile(other, JSON.stringify(given));
    return reinvite('check-config', '--config', other);
  }
});

describe('reinvite nats-config', () => {
  async function natsConfig(nkeyFile: string): ReturnType<typeof reinvite> {
    const other = path.join(path.dirname(file), 'nats.yaml');
    await writeFile(other, JSON.stringify({ ...raw, nats: { ...raw.nats, nkeyFile } }));
    return reinvite('nats-config', '--config', other);
  }

  it('prints who may say what, and makes the keys that are missing, for their owner alone', async () => {
    const dir = testDirectory('reinvite-keys-');
    const first = await natsConfig(path.join(dir, 'nats', '{service}.nk'));
    expect(first.code).toBe(EXIT.ok);
    expect(first.out).toMatch(
      /^authorization \{.*# node-agent-ast1:.*nkey: U[A-Z2-7]{55}\n.*reinvite\.gone\.ast1/s,
    );
    const seed = await readFile(path.join(dir, 'nats', 'sentinel.nk'), 'utf8');
    expect(seed).toMatch(/^SU[A-Z2-7]{56}\n$/);
    expect(first.out).not.toContain(seed.trim());
    expect((await stat(path.join(dir, 'nats', 'sentinel.nk'))).mode & 0o777).toBe(0o600);
    expect((await stat(path.join(dir, 'nats'))).mode & 0o777).toBe(0o700);
    // A key that is there is never written over.
    expect(await natsConfig(path.join(dir, 'nats', '{service}.nk'))).toEqual(first);
  });

  it('refuses one key for all, and a file that holds none', async () => {
    const dir = testDirectory('reinvite-keys-');
    expect(await natsConfig(path.join(dir, 'one.nk'))).toMatchObject({ code: EXIT.usage, out: '' });
    await writeFile(path.join(dir, 'sentinel.nk'), 'no seed at all');
    const broken = await natsConfig(path.join(dir, '{service}.nk'));
    expect(broken).toMatchObject({ code: EXIT.usage, out: '' });
    expect(broken.err).toMatch(/CONFIG_INVALID.*sentinel\.nk holds no nkey seed/);
    expect(broken.err).not.toContain('no seed at all');
    expect(await natsConfig(path.join(file, 'below-a-file', '{service}.nk'))).toMatchObject({
      code: EXIT.usage,
    });
  });
});

describe('reinvite request', () => {
  it('makes a request of its own each time when no key is given', () => {
    const options = { config: file, node: 'ast1', reason: 'kernel panic', by: 'alice' };
    expect(requestOf(options)).toMatchObject({
      nodeId: 'ast1',
      reason: 'kernel panic',
      requestedBy: 'alice',
      dryRun: false,
    });
    expect(requestOf(options).idempotencyKey).not.toBe(requestOf(options).idempotencyKey);
    expect(requestOf({ ...options, key: 'once' }).idempotencyKey).toBe('once');
  });

  it('refuses both a node and a call, and neither', async () => {
    const common = ['request', '--config', file, '--reason', 'test'];
    expect((await reinvite(...common)).code).toBe(EXIT.usage);
    const both = await reinvite(...common, '--node', 'ast1', '--call', 'abc');
    expect(both).toMatchObject({ code: EXIT.usage });
    expect(both.err).toMatch(/USAGE_INVALID/);
  });
});
