import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Bus, subjects } from '@reinvite/bus';
import { connectPool, PostgresDialogSource, type Pool } from '@reinvite/db';
import { ledgerBarrierReply, type LedgerBarrierReply } from '@reinvite/domain';
import { createLogger, parseConfig } from '@reinvite/runtime';
import type { Dialog } from '@reinvite/sip';
import { eventually, startBackends, type Backends } from '@reinvite/test-support';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { dialogLedger } from '../src/service.js';
import { answeredCall, AST1, callTo, hep, nodes, PHONE } from './captures.js';
import { CuttableProxy } from './cuttable-proxy.js';

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
    postgres = await CuttableProxy.to(backends.postgresUrl);
    nats = await CuttableProxy.to(backends.natsUrl);
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
    postgres.restore();
    nats.restore();
    stop.abort();
    await stopped;
  });

  function startLedger(): void {
    const config = parseConfig({
      nodes,
      postgres: { url: postgres.url },
      nats: { servers: [nats.url] },
      dialogLedger: { ledgerId: 'ledger-test', host: '127.0.0.1', port },
    });
    stop = new AbortController();
    stopped = dialogLedger({ config, log, signal: stop.signal });
  }

  const send = (packets: readonly Buffer[]): void =>
    packets.forEach((packet) => phones.send(packet, port, '127.0.0.1'));

  const barrier = (): Promise<LedgerBarrierReply> =>
    bus.request(
      subjects.ledgerBarrier,
      { type: 'LedgerBarrier', requestedBy: 'test', at: Date.now() },
      ledgerBarrierReply,
      10_000,
    );

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
    expect(await barrier()).toMatchObject({ status: 'flushed', ledgerId: 'ledger-test' });
    const found = await source.findByCallIds(callIds);
    expect([...found.values()].flat().filter(({ state }) => state === 'confirmed')).toHaveLength(400);
  });

  it('says so at the barrier while Postgres is away, and writes everything when it is back', async () => {
    await untilListening();
    send(answeredCall(AST1, 'before'));
    await untilFound('before', 'confirmed');
    postgres.cut();
    send([...answeredCall(AST1, 'during'), hep(PHONE, AST1, callTo(AST1, 'before').bye)]);
    expect(await barrier()).toMatchObject({ status: 'failed', code: 'POSTGRES_UNREACHABLE' });
    postgres.restore();
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
    postgres.restore();
    await untilFound('alone', 'confirmed');
    nats.restore();
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

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
