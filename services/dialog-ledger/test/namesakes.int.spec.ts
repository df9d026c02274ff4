import { Bus, subjects } from '@reinvite/bus';
import { ledgerStatus, ledgerStatusRequest, type LedgerStatus } from '@reinvite/domain';
import { createLogger, parseConfig, type Logger } from '@reinvite/runtime';
import { eventually, startBackends, type Backends } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Counters } from '../src/counters.js';
import { Namesakes } from '../src/namesakes.js';
import { dialogLedger } from '../src/service.js';
import { statusOf, type StatusSources } from '../src/status.js';
import { nodes } from './captures.js';

const log = createLogger('test', 'silent');

/** What another ledger of the same name tells of itself. */
const NAMESAKE: StatusSources = {
  ledgerId: 'ledger-test',
  namesakes: { instanceId: 'another', count: 0 },
  listener: {
    kernelDrops: async () => null,
    receiveBufferBytes: null,
    connections: 0,
  } as unknown as StatusSources['listener'],
  ledger: { holding: { callIds: 0, unwritten: 0 } },
  counters: new Counters(log),
  startedAt: 1,
};

describe('a dialog-ledger of a name that another one has, on a real Postgres and NATS', () => {
  let backends: Backends;
  let bus: Bus;
  const testEnd = new AbortController();

  beforeAll(async () => {
    backends = await startBackends();
    bus = await Bus.connect({ servers: [backends.natsUrl], name: 'test', log, signal: testEnd.signal });
  });
  afterAll(async () => {
    testEnd.abort();
    await bus.close();
    await backends.stop();
  });

  /** @returns how to end it. */
  function startLedger(): () => Promise<void> {
    const config = parseConfig({
      nodes,
      postgres: { url: backends.postgresUrl },
      nats: { servers: [backends.natsUrl] },
      dialogLedger: { ledgerId: 'ledger-test', host: '127.0.0.1', port: 0 },
    });
    const stop = new AbortController();
    const stopped = dialogLedger({ config, log, signal: stop.signal });
    return async () => {
      stop.abort();
      await stopped;
    };
  }

  const statuses = (): Promise<LedgerStatus[]> =>
    bus.requestMany(subjects.ledgerStatus, { type: 'LedgerStatusRequest' }, ledgerStatus, 2, 1_000);
  const statusWith = (namesakes: number): Promise<LedgerStatus> =>
    eventually(`a ledger with ${namesakes} of its name`, async () =>
      (await statuses()).find((one) => one.namesakes === namesakes && one.instanceId !== 'another'),
    );

  /** Has it look until it is answered: who hears nobody knows of no namesake either. */
  function answered(one: Namesakes): Promise<unknown> {
    return eventually('an answer', async () => {
      let answers = 0;
      await one.look({
        requestMany: async (...asked) => {
          const heard = await bus.requestMany(...asked);
          answers = heard.length;
          return heard;
        },
      });
      return answers > 0;
    });
  }

  it('is noticed, and also when it is gone', async () => {
    const end = startLedger();
    const first = await statusWith(0);
    const errors: unknown[] = [];
    const listening = {
      error: (about: unknown) => errors.push(about),
      info: () => undefined,
    } as unknown as Logger;
    const second = new Namesakes('ledger-test', 'second', listening);
    await eventually('the other one to be seen', async () => {
      await second.look(bus);
      return second.count === 1;
    });
    expect(errors).toMatchObject([{ err: { code: 'LEDGER_ID_TAKEN', details: { others: 1 } } }]);
    const itself = new Namesakes('ledger-test', first.instanceId ?? '', listening);
    const stranger = new Namesakes('ledger-other', 'third', listening);
    await Promise.all([answered(itself), answered(stranger)]);
    expect([itself.count, stranger.count, errors.length]).toEqual([0, 0, 1]);
    await end();
    await second.look(bus);
    expect(second.count).toBe(0);
  });

  it('says so in its status', async () => {
    const unsubscribe = bus.respond(
      subjects.ledgerStatus,
      ledgerStatusRequest,
      () => statusOf(NAMESAKE),
      () => ({}),
    );
    const end = startLedger();
    expect(await statusWith(1)).toMatchObject({ ledgerId: 'ledger-test' });
    unsubscribe();
    await end();
  });
});
