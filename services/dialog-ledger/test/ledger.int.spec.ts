import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Bus, subjects } from '@reinvite/bus';
import { connectPool, PostgresDialogSource, type Pool } from '@reinvite/db';
import {
  ledgerBarrierReply,
  ledgerStatus,
  type LedgerBarrierReply,
  type LedgerStatus,
} from '@reinvite/domain';
import { codedError, createLogger, parseConfig, type Config } from '@reinvite/runtime';
import type { Dialog } from '@reinvite/sip';
import {
  CuttableProxy,
  eventually,
  startBackends,
  testDirectory,
  type Backends,
} from '@reinvite/test-support';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerBarriers } from '../src/barrier.js';
import { dialogLedger } from '../src/service.js';
import { answeredCall, AST1, callTo, hep, ledgerOn, nodes, PHONE } from './captures.js';
import { FakeStore } from './fake-store.js';
import { Flood } from './flood.js';
import { freePort } from './free-port.js';

const log = createLogger('test', 'fatal');

describe('the dialog-ledger, on a real Postgres and NATS', () => {
  let backends: Backends;
  let postgres: CuttableProxy;
  let nats: CuttableProxy;
  let pool: Pool;
  let bus: Bus;
  let source: PostgresDialogSource;
  let port: number;
  let stop: AbortController;
  let stopped: Promise<void>;
  const testEnd = new AbortController();
  const phones = createSocket('udp4');

  beforeAll(async () => {
    backends = await startBackends();
    postgres = await CuttableProxy.before(backends.postgresUrl);
    nats = await CuttableProxy.before(backends.natsUrl);
    pool = connectPool(backends.postgresUrl, { applicationName: 'test', log });
    source = new PostgresDialogSource(pool);
    bus = await Bus.connect({ servers: [backends.natsUrl], name: 'test', log, signal: testEnd.signal });
    port = await freePort();
  });
  afterAll(async () => {
    testEnd.abort();
    phones.close();
    await bus.close();
    await pool.end();
    postgres.close();
    nats.close();
    await backends.stop();
  });
  beforeEach(async () => {
    await pool.query('truncate dialogs');
    startLedger();
  });
  afterEach(async () => {
    postgres.mend();
    nats.mend();
    stop.abort();
    await stopped;
  });

  function startLedger(but: Partial<Config['dialogLedger']> = {}): void {
    const config = parseConfig({
      nodes,
      postgres: { url: postgres.url },
      nats: { servers: [nats.url] },
      dialogLedger: { ledgerId: 'ledger-test', host: '127.0.0.1', port, ...but },
    });
    stop = new AbortController();
    stopped = dialogLedger({ config, log, signal: stop.signal });
  }

  const send = (packets: readonly Buffer[]): void =>
    packets.forEach((packet) => phones.send(packet, port, '127.0.0.1'));

  const barrier = (): Promise<LedgerBarrierReply> =>
    bus.request(
      subjects.ledgerBarrier,
      { type: 'LedgerBarrier', requestedBy: 'test', at: Date.now(), withinMs: 10_000 },
      ledgerBarrierReply,
      10_000,
    );

  const status = (): Promise<LedgerStatus> =>
    bus.request(subjects.ledgerStatus, { type: 'LedgerStatusRequest' }, ledgerStatus, 10_000);

  const confirmedOf = async (callIds: readonly string[]): Promise<number> => {
    const found = await source.findByCallIds(callIds);
    return [...found.values()].flat().filter(({ state }) => state === 'confirmed').length;
  };

  const untilListening = (): Promise<unknown> =>
    eventually('the ledger to answer', () => barrier().catch(() => undefined));

  const untilFound = (callId: string, state: Dialog['state']): Promise<Dialog> =>
    eventually(`${callId} to be ${state}`, async () => {
      const found = await source.findByCallIds([callId]);
      return found.get(callId)?.find((dialog) => dialog.state === state);
    });

  it('makes a call readable, and its end', async () => {
    await untilListening();
    send(answeredCall(AST1, 'c1'));
    expect(await untilFound('c1', 'confirmed')).toMatchObject({
      nodeId: 'ast1',
      localTag: 'a-c1',
      remoteTag: 'p-c1',
      routeSet: ['<sip:10.77.0.5;lr>'],
      remoteTarget: 'sip:phone@192.168.9.9;alias=10.77.0.9~5060~1',
      unsure: [],
    });
    send([hep(PHONE, AST1, callTo(AST1, 'c1').bye)]);
    await untilFound('c1', 'ended');
  });

  it('has written all that had arrived, also in its buffer, when it answers a barrier', async () => {
    await untilListening();
    const callIds = Array.from({ length: 400 }, (_, index) => `burst-${index}`);
    const sent = callIds.flatMap((callId) => answeredCall(AST1, callId)).map((packet) => sendAndWait(packet));
    await Promise.all(sent);
    const before = Date.now();
    const reply = await barrier();
    expect(reply).toMatchObject({ status: 'flushed', ledgerId: 'ledger-test' });
    expect(reply.status === 'flushed' && (reply.upTo ?? 0) >= before).toBe(true);
    expect(await confirmedOf(callIds)).toBe(400);
  });

  it('does so too while other messages never stop coming', async () => {
    await untilListening();
    const { dropped } = await status();
    const flood = await Flood.start(Buffer.from('no capture at all'), port, 200);
    let isCounting = true;
    const counted = (async () => {
      while (isCounting) {
        const now = await status();
        flood.hasRead((now.dropped.HEP_UNSUPPORTED ?? 0) - (dropped.HEP_UNSUPPORTED ?? 0));
        await delay(5);
      }
    })();
    try {
      for (let round = 0; round < 5; round += 1) {
        const callIds = Array.from({ length: 40 }, (_, index) => `flood-${round}-${index}`);
        const sent = callIds.flatMap((callId) => answeredCall(AST1, callId)).map(sendAndWait);
        await Promise.all(sent);
        expect(await barrier()).toMatchObject({ status: 'flushed' });
        expect(await confirmedOf(callIds)).toBe(40);
      }
    } finally {
      isCounting = false;
      await counted;
      await flood.stop();
    }
  });

  it('hears captures over TCP, and keeps them apart from those over UDP in its counts', async () => {
    await untilListening();
    const before = await status();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const [invite, ok] = answeredCall(AST1, 'tcp') as [Buffer, Buffer];
    socket.write(Buffer.concat([invite, ok.subarray(0, 20)]));
    await untilFound('tcp', 'early');
    socket.write(ok.subarray(20));
    await untilFound('tcp', 'confirmed');
    expect(await status()).toMatchObject({
      ledgerId: 'ledger-test',
      packets: { udp: before.packets.udp, tcp: before.packets.tcp + 2 },
      messages: before.messages + 2,
      connections: 1,
      callIds: 1,
      unwritten: 0,
      dropped: {},
      kernelDrops: 0,
    });
    socket.destroy();
  });

  it('takes captures with one of its passwords only', async () => {
    stop.abort();
    await stopped;
    const file = path.join(testDirectory('reinvite-ledger-'), 'password');
    await writeFile(file, 'old one\nnew one\n');
    startLedger({ capturePasswordFile: file });
    await untilListening();
    const withPassword = (callId: string, password: string | null): Buffer =>
      hep(PHONE, AST1, callTo(AST1, callId).invite, {
        password: password === null ? null : Buffer.from(password),
      });
    send([
      withPassword('none', null),
      withPassword('wrong', 'old'),
      withPassword('old', 'old one'),
      withPassword('new', 'new one'),
    ]);
    await untilFound('old', 'early');
    await untilFound('new', 'early');
    expect(await status()).toMatchObject({ callIds: 2, dropped: { HEP_UNAUTHORIZED: 2 } });
  });

  it('refuses to start with a password file that holds none', async () => {
    const file = path.join(testDirectory('reinvite-ledger-'), 'password');
    await writeFile(file, '\n');
    stop.abort();
    await stopped;
    startLedger({ capturePasswordFile: file });
    await expect(stopped).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    stopped = Promise.resolve();
  });

  it('says at the barrier that it is behind, and writes what it has read', async () => {
    stop.abort();
    await stopped;
    const store = new FakeStore();
    const { ledger } = ledgerOn(store, Date.now);
    for (const packet of answeredCall(AST1, 'c1')) ledger.take(packet, PHONE);
    const listener = { drained: () => Promise.reject(codedError('LEDGER_BEHIND', 'too much')) };
    const end = answerBarriers(bus, 'ledger-behind', listener, ledger, log);
    expect(await barrier()).toMatchObject({
      status: 'failed',
      ledgerId: 'ledger-behind',
      code: 'LEDGER_BEHIND',
    });
    end();
    expect(store.dialogs().map(({ state }) => state)).toEqual(['confirmed']);
  });

  it('says so at the barrier while Postgres is away, and writes everything when it is back', async () => {
    await untilListening();
    send(answeredCall(AST1, 'before'));
    await untilFound('before', 'confirmed');
    postgres.cut();
    send([...answeredCall(AST1, 'during'), hep(PHONE, AST1, callTo(AST1, 'before').bye)]);
    expect(await barrier()).toMatchObject({ status: 'failed', code: 'POSTGRES_UNREACHABLE' });
    postgres.mend();
    await untilFound('during', 'confirmed');
    await untilFound('before', 'ended');
  });

  it('starts without Postgres and NATS, and has lost nothing when they come', async () => {
    await untilListening();
    stop.abort();
    await stopped;
    postgres.cut();
    nats.cut();
    const said = vi.spyOn(log, 'info');
    startLedger();
    await eventually('the ledger to listen', () => said.mock.calls.flat().includes('listening for HEP'));
    said.mockRestore();
    send(answeredCall(AST1, 'alone'));
    postgres.mend();
    await untilFound('alone', 'confirmed');
    nats.mend();
    await untilListening();
  });

  it('goes on with the dialogs of its earlier life', async () => {
    await untilListening();
    const { invite, ok } = callTo(AST1, 'c1');
    send([hep(PHONE, AST1, invite)]);
    await untilFound('c1', 'early');
    stop.abort();
    await stopped;
    startLedger();
    await untilListening();
    send([hep(AST1, PHONE, ok)]);
    expect(await untilFound('c1', 'confirmed')).toMatchObject({
      unsure: [],
      remoteTarget: expect.any(String) as string,
    });
  });

  it('goes on after torn, foreign and hostile packets', async () => {
    await untilListening();
    const whole = hep(PHONE, AST1, callTo(AST1, 'c1').invite);
    const hostile = callTo(AST1, 'c1').invite.replace('Phone', 'x\u0000y');
    send([
      Buffer.from('x'),
      whole.subarray(0, 99),
      hep(PHONE, AST1, hostile),
      hep(PHONE, AST1, '\u{1F4DE}'.repeat(1_000)),
    ]);
    send(answeredCall(AST1, 'c2'));
    await untilFound('c2', 'confirmed');
    expect((await source.findByCallIds(['c1'])).size).toBe(0);
  });

  function sendAndWait(packet: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      phones.send(packet, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)));
    });
  }
});
