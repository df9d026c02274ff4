import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Bus, subjects } from '@reinvite/bus';
import { connectPool } from '@reinvite/db';
import { declareDown, operatorCommand, recoveryRequest } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { startBackends, testDirectory } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

describe('the reinvite command, on a real Postgres and NATS', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let config: string;
  let nowhere: string;
  /** Holds the port on which the dialog-ledger is told to listen. */
  const taken = createSocket('udp4');

  const start = (...argv: readonly string[]) =>
    spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const reinvite = async (
    ...argv: readonly string[]
  ): Promise<{ code: number | null; out: string; err: string }> => {
    const child = start(...argv);
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code: child.exitCode, out, err };
  };
  const configFor = async (dir: string, name: string, nats: string): Promise<string> => {
    const file = path.join(dir, name);
    const ari = { url: 'http://127.0.0.1:1', username: 'unused', password: 'unused' };
    const content = {
      nats: { servers: [nats] },
      postgres: { url: backends.postgresUrl },
      dialogLedger: { host: '127.0.0.1', port: taken.address().port },
      nodes: [{ id: 'ast1', sipAddresses: ['127.0.0.1'], ari }],
    };
    await writeFile(file, JSON.stringify(content), { mode: 0o600 });
    return file;
  };

  const dir = testDirectory('reinvite-cli-');

  beforeAll(async () => {
    backends = await startBackends();
    taken.bind(0, '127.0.0.1');
    await once(taken, 'listening');
    config = await configFor(dir, 'reinvite.yaml', backends.natsUrl);
    nowhere = await configFor(dir, 'nowhere.yaml', 'nats://127.0.0.1:1');
  });
  afterAll(async () => {
    taken.close();
    await backends.stop();
  });

  it('prints the parts of a recording by the name of the whole or of a part, and says where there is none', async () => {
    const pool = connectPool(backends.postgresUrl, {
      applicationName: 'test',
      log: createLogger('test', 'silent'),
    });
    await pool.query(`insert into recordings
      (node_id, incarnation, target_id, name, recording, part, format, started_at, ended_at, cut, call_id)
      values ('ast1', '1', 'a', 'talk', 'talk', 1, 'wav', 'epoch', timestamptz 'epoch' + '5 s', true, 'c'),
        ('ast2', '2', 'b', 'talk-2', 'talk', 2, 'wav', timestamptz 'epoch' + '5.4 s', null, false, 'c')`);
    await pool.end();
    const { code, out } = await reinvite('recording', 'talk-2', '--config', config);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      recording: 'talk',
      parts: [
        {
          part: 1,
          name: 'talk',
          node: 'ast1',
          startedAt: '1970-01-01T00:00:00.000Z',
          cut: true,
          gapMs: null,
        },
        { part: 2, name: 'talk-2', node: 'ast2', endedAt: null, cut: false, gapMs: 400, callId: 'c' },
      ],
    });
    const none = await reinvite('recording', 'nobody', '--config', config);
    expect(none).toMatchObject({ code: 1, out: '' });
    expect(none.err).toContain('no recording is called nobody');
  });

  it('migrates a database that is up to date already', async () => {
    expect(await reinvite('migrate', '--config', config)).toMatchObject({ code: 0, err: '' });
  });

  it('runs services until it is told to stop, and ends well', async () => {
    const child = start('run', 'sentinel', 'ari-worker', '--config', config);
    let out = '';
    const bothReady = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.split('"msg":"ready"').length === 3) resolve();
      });
    });
    await bothReady;
    child.kill('SIGTERM');
    await once(child, 'close');
    expect(child.exitCode).toBe(0);
    expect(out.indexOf('"service":"sentinel","name":"sentinel","msg":"stopped"')).toBeGreaterThan(0);
  });

  it('stops with exit code 1 and says why when a service cannot run', async () => {
    const ledger = await reinvite('run', 'dialog-ledger', '--config', config);
    expect(ledger.code).toBe(1);
    expect(ledger.err).toMatch(/^reinvite: LISTEN_FAILED/);
  });

  it('prints the answer to a request, and tells by its exit code what it was', async () => {
    const stop = new AbortController();
    const log = createLogger('test', 'silent');
    const bus = await Bus.connect({ servers: [backends.natsUrl], name: 'test', log, signal: stop.signal });
    const refused = { status: 'refused', code: 'RECOVERY_UNKNOWN_CALL', message: 'no such call' };
    bus.respond(
      subjects.recoveryRequest,
      recoveryRequest,
      async ({ callId, idempotencyKey, dryRun }) =>
        callId === 'unknown'
          ? refused
          : { status: 'accepted', idempotencyKey, dryRun, repeated: false, plans: [] },
      () => refused,
    );
    const common = ['request', '--config', config, '--reason', 'test', '--key', 'k1', '--dry-run'];
    const accepted = await reinvite(...common, '--node', 'ast1');
    expect(accepted.code).toBe(0);
    expect(JSON.parse(accepted.out)).toMatchObject({
      status: 'accepted',
      idempotencyKey: 'k1',
      dryRun: true,
    });
    expect((await reinvite(...common, '--call', 'unknown')).code).toBe(3);
    stop.abort();
    await bus.close();
  });

  it('tells what an operator says, and by its exit code what became of it', async () => {
    const stop = new AbortController();
    const log = createLogger('test', 'silent');
    const bus = await Bus.connect({ servers: [backends.natsUrl], name: 'test', log, signal: stop.signal });
    const control = { stopped: null, massFailure: null };
    const refused = { status: 'refused', code: 'RECOVERY_NOT_HELD', message: 'no such call' };
    const heard: unknown[] = [];
    bus.respond(
      subjects.operatorRecovery,
      operatorCommand,
      async (command) => {
        heard.push(command);
        if (command.type === 'ReleaseCall') return refused;
        const recovery = { control, nodes: [], held: [], deaths: [] };
        if (command.type === 'AskStatus') return { status: 'status', recovery };
        return { status: 'done', changed: true, calls: 0, control };
      },
      () => refused,
    );
    const down = { status: 'refused', code: 'RECOVERY_NODE_ALIVE', message: 'it lives' };
    bus.respond(
      subjects.operatorNode,
      declareDown,
      async (asked) => (heard.push(asked), down),
      () => down,
    );
    const common = ['--config', config, '--reason', 'upgrade', '--by', 'alice'];
    expect(await reinvite('stop', ...common)).toMatchObject({ code: 0, err: '' });
    expect(await reinvite('resume', ...common)).toMatchObject({ code: 0, err: '' });
    expect(await reinvite('release', 'a@b', ...common)).toMatchObject({ code: 3 });
    expect(await reinvite('declare-down', 'ast1', ...common)).toMatchObject({ code: 3 });
    const shown = await reinvite('status', '--config', config, '--json');
    expect(JSON.parse(shown.out)).toMatchObject({ recovery: { control }, sentinels: [] });
    const who = { requestedBy: 'alice', reason: 'upgrade' };
    expect(heard).toEqual([
      { type: 'StopRecovery', ...who },
      { type: 'ResumeRecovery', ...who },
      { type: 'ReleaseCall', callId: 'a@b', ...who },
      { type: 'DeclareDown', nodeId: 'ast1', ...who },
      { type: 'AskStatus' },
    ]);
    stop.abort();
    await bus.close();
  });

  it('says that nobody answers when no recovery service runs, or NATS is away', async () => {
    const common = ['--reason', 'test', '--node', 'ast1'];
    const alone = await reinvite('request', '--config', config, ...common);
    expect(alone).toMatchObject({ code: 4, out: '' });
    expect(alone.err).toMatch(/REQUEST_TIMEOUT/);
    const away = await reinvite('request', '--config', nowhere, ...common);
    expect(away).toMatchObject({ code: 4, out: '' });
    expect(away.err).toMatch(/NATS_UNREACHABLE/);
  });
});
