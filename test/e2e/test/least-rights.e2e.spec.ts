import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { judge, type Crash, type Observation } from '@reinvite/test-phones';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS, recoveriesOf, Scene } from '../src/index.js';

/** What nats-server says of a connection. */
interface Connection {
  readonly name?: string;
  readonly authorized_user?: string;
  readonly tls_version?: string;
}

describe('a crash, with every service under its own rights', () => {
  let scene: Scene;
  let secrets: string[];
  let crash: Crash;
  let seen: Observation;
  let commandLines: string;
  let nats: Connection[];
  let sessions: { role: string; ssl: boolean }[];

  beforeAll(async () => {
    scene = await Scene.open({ nodes: 2 });
    secrets = await secretsOf(scene);
    await scene.call([
      { kind: 'app', node: 'ast1', holdMs: HOLD_MS },
      { kind: 'bridge', node: 'ast2', holdMs: HOLD_MS },
      { kind: 'app', node: 'ast2', holdMs: HOLD_MS },
    ]);
    // The calls go from the node that is reached by TLS.
    crash = await scene.crash('ast2');
    await scene.untilBack(crash);
    commandLines = await readCommandLines();
    const core = scene.lab.info.hosts.core?.address ?? '';
    const connz = await fetch(`http://${core}:8222/connz?auth=1`);
    nats = ((await connz.json()) as { connections: Connection[] }).connections;
    ({ rows: sessions } = await scene.db.query<{ role: string; ssl: boolean }>(
      `select distinct usename as role, ssl from pg_stat_activity join pg_stat_ssl using (pid)
       where usename like 'reinvite\\_%' order by 1`,
    ));
    seen = await scene.untilEnded();
  });
  afterAll(() => scene.close());

  it('brings every call back: no right is missing', async () => {
    const verdicts = judge(seen.calls, crash, seen.voice);
    expect(verdicts.map(({ reasons }) => reasons)).toEqual([[], []]);
    expect((await recoveriesOf(scene.db, crash.node)).map(({ outcome }) => outcome)).toEqual([
      'recovered',
      'recovered',
    ]);
    for (const [file, text] of await logsOf(scene)) {
      const refusals = text
        .split('\n')
        .filter((line) => /NATS_FORBIDDEN|permission denied|42501|Permissions Violation/.test(line));
      expect(refusals, file).toEqual([]);
    }
  });

  it('connects every service to NATS over TLS, each with its own key', () => {
    const services = nats.filter(({ name }) => name !== 'e2e');
    expect(services.length).toBeGreaterThanOrEqual(6);
    for (const { name, authorized_user: nkey, tls_version: tls } of services) {
      expect(tls, name).toMatch(/^1\.[23]$/);
      expect(nkey, name).toMatch(/^U/);
    }
    expect(new Set(services.map(({ authorized_user: nkey }) => nkey)).size).toBe(services.length);
  });

  it('connects every service to Postgres over TLS, each in its own role', () => {
    expect(sessions).toEqual([
      { role: 'reinvite_ledger', ssl: true },
      { role: 'reinvite_recovery', ssl: true },
      { role: 'reinvite_sentinel', ssl: true },
    ]);
  });

  it('writes no secret into a log or a command line', async () => {
    expect(secrets.length).toBeGreaterThan(12);
    const logs = await logsOf(scene);
    expect(logs.length).toBeGreaterThan(8);
    for (const secret of secrets) {
      expect(commandLines.includes(secret), 'a secret in a process list').toBe(false);
      for (const [file, text] of logs) expect(text.includes(secret), `a secret in ${file}`).toBe(false);
    }
  });

  it('lets the audit be read by its own role, over TLS only', async () => {
    const file = path.join(path.dirname(scene.lab.info.config ?? ''), 'secrets/postgres/audit.url');
    const url = new URL((await readFile(file, 'utf8')).trim());
    const plain = new pg.Client({ connectionString: url.href.replace(/\?.*/, '') });
    await expect(plain.connect()).rejects.toThrow(/no encryption/);
    const env = { PGPASSWORD: url.password };
    url.password = '';
    url.searchParams.set('sslrootcert', '/lab/tls/ca.pem');
    const ask = (query: string) => scene.lab.exec('core', ['psql', '-At', '-c', query, url.href], { env });
    expect((await ask('select count(*) from audit_recoveries')).stdout.trim()).toBe('2');
    await expect(ask('select count(*) from recoveries')).rejects.toThrow(/permission denied/);
    await expect(ask("begin read write; update recoveries set reason = ''")).rejects.toThrow(
      /permission denied/,
    );
  });
});

/** Every secret of the lab: seeds, passwords in URLs, and the password of ARI. */
async function secretsOf({ lab }: Scene): Promise<string[]> {
  const dir = path.join(path.dirname(lab.info.config ?? ''), 'secrets');
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const texts = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await readFile(path.join(entry.parentPath, entry.name), 'utf8')).trim()),
  );
  return texts.map((text) => (URL.canParse(text) ? new URL(text).password : text));
}

async function logsOf({ lab }: Scene): Promise<[string, string][]> {
  const names = (await readdir(lab.info.logs)).filter((name) => name.endsWith('.log'));
  return Promise.all(
    names.map(async (name): Promise<[string, string]> => [
      name,
      await readFile(path.join(lab.info.logs, name), 'utf8'),
    ]),
  );
}

/** Of every process on this machine, those of the lab among them. */
async function readCommandLines(): Promise<string> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // One that has ended meanwhile shows nothing any more.
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.join('\n');
}
