import {
  channelIdOf,
  commandIdOf,
  recoveryStream,
  type PlanRecovery,
  type RecoveryEvent,
  type RestoreFact,
} from '@reinvite/domain';
import type { AppendResult, StoredEvent, StreamAppend } from '@reinvite/event-store';
import { createLogger } from '@reinvite/runtime';
import { beforeEach, describe, expect, test } from 'vitest';
import { Journal } from '../src/recoveries/journal.js';
import { Machines } from '../src/recoveries/machines.js';
import { Recoveries } from '../src/recoveries/recoveries.js';

const log = createLogger('test', 'silent');
const recoveryId = 'a'.repeat(20);
const PLANNED_AT = 10_000;

/** The streams of one store, shared by replicas. */
class SharedStreams {
  private readonly streams = new Map<string, StoredEvent<RecoveryEvent>[]>();

  appendBatch = async (appends: readonly StreamAppend<RecoveryEvent>[]): Promise<AppendResult[]> =>
    appends.map(({ streamId, expectedVersion, events }) => {
      const stream = this.streams.get(streamId) ?? [];
      if (stream.length !== expectedVersion)
        return { streamId, status: 'conflict', version: stream.length, outbox: [] };
      this.streams.set(streamId, [
        ...stream,
        ...events.map(({ id, event }, index) => ({
          id,
          streamId,
          event,
          version: expectedVersion + index + 1,
          metadata: {},
          recordedAt: new Date(0),
        })),
      ]);
      return { streamId, status: 'appended', version: expectedVersion + events.length, outbox: [] };
    });

  readStreams = async (ids: readonly string[]) =>
    new Map(ids.flatMap((id) => (this.streams.has(id) ? [[id, this.streams.get(id) ?? []] as const] : [])));

  types(): string[] {
    return this.events(recoveryId).map(({ type }) => type);
  }

  events(id: string): RecoveryEvent[] {
    return (this.streams.get(recoveryStream(id)) ?? []).map(({ event }) => event);
  }
}

function replicaOn(store: SharedStreams): Recoveries {
  const journal = new Journal({
    readSide: { write: async () => undefined, transaction: async () => undefined },
    store,
    outbox: { publishNow: async () => undefined },
    log,
    signal: new AbortController().signal,
  });
  return new Recoveries({ journal, machines: new Machines(store, log), log, onEvents: () => undefined });
}

const plan: PlanRecovery = {
  type: 'PlanRecovery',
  recoveryId,
  call: { callId: 'call', kind: 'stasis', nodeId: 'ast1', incarnation: '1', join: { kind: 'none' } },
  legs: [
    {
      legId: 'leg',
      sipCallId: 'leg@phone',
      endpoint: 'edge',
      place: { kind: 'stasis', app: 'demo' },
      dialog: { PJSIP_RECOVERY_REQUEST_URI: 'sip:phone@10.0.0.9', PJSIP_RECOVERY_CSEQ: '11' },
      callerId: '',
      accountCode: '',
      language: 'en',
    },
  ],
  skipped: [],
  target: { nodeId: 'ast2', incarnation: '2' },
  trigger: { kind: 'node-down', evidence: 'process-gone', at: PLANNED_AT },
  limits: { maxAttempts: 2, attemptTimeoutMs: 8_000 },
  at: PLANNED_AT,
};
const candidates = [{ nodeId: 'ast2', incarnation: '2', group: 'default', load: 0, lastResort: false }];

function fact(attempt: number, said: object): RestoreFact {
  return {
    commandId: commandIdOf(recoveryId, attempt),
    recoveryId,
    callId: 'call',
    attempt,
    target: 'ast2',
    at: PLANNED_AT + 100,
    legId: 'leg',
    channelId: channelIdOf(recoveryId, 0, attempt),
    ...said,
  } as RestoreFact;
}
const collided = { type: 'LegRefused', sent: true, cause: 21, status: 491, reason: 'REINVITE_COLLIDED' };

describe('a replica whose memory of a recovery is behind', () => {
  let store: SharedStreams;
  let first: Recoveries;
  let second: Recoveries;
  const tell = (replica: Recoveries, said: RestoreFact): Promise<void> =>
    replica.tell([{ recoveryId, command: { type: 'RecordFact', fact: said, candidates, at: said.at } }]);
  const start = (replica: Recoveries): Promise<void> =>
    replica.tell([
      { recoveryId, command: { type: 'StartAttempt', attempt: 2, candidates, at: PLANNED_AT + 30_000 } },
    ]);

  beforeEach(async () => {
    store = new SharedStreams();
    first = replicaOn(store);
    second = replicaOn(store);
    await first.plan([plan]);
    await tell(second, fact(1, collided));
    expect(store.types()).toEqual(['RecoveryPlanned', 'AttemptStarted', 'LegRefused', 'AttemptAwaited']);
  });

  test('begins the attempt that the other one has recorded as awaited', async () => {
    await start(first);

    expect(store.types().at(-1)).toBe('AttemptStarted');
  });

  test('records an answer to the attempt that the other one has begun', async () => {
    await start(second);

    await tell(first, fact(2, { type: 'LegAnswered' }));

    expect(store.types().slice(-2)).toEqual(['LegAnswered', 'RecoveryCompleted']);
  });

  test('records nothing twice', async () => {
    await start(second);
    const before = store.types();

    await start(first);
    await tell(first, fact(1, collided));

    expect(store.types()).toEqual(before);
  });
});

test('the calls of a target that dies are spread over the others', async () => {
  const store = new SharedStreams();
  const replica = replicaOn(store);
  const ids = ['b', 'c', 'd', 'e'].map((letter) => letter.repeat(20));
  await replica.plan(
    ids.map((id) => ({ ...plan, recoveryId: id, call: { ...plan.call, callId: `call ${id}` } })),
  );
  const others = ['ast3', 'ast4'].map((nodeId) => ({
    nodeId,
    incarnation: '1',
    group: 'default',
    load: 0,
    lastResort: false,
  }));
  const died = {
    nodeId: 'ast2',
    incarnation: '2',
    takenOver: new Set<string>(),
    ended: new Set<string>(),
    candidates: others,
  };
  await replica.tell(
    ids.map((id) => ({
      recoveryId: id,
      command: { type: 'TargetDied', ...died, at: PLANNED_AT + 1_000 },
    })),
  );
  const targets = ids.map((id) =>
    store.events(id).flatMap((event) => (event.type === 'AttemptStarted' ? [event.target] : [])),
  );
  expect(targets.map((of) => of.at(-1)).sort()).toEqual(['ast3', 'ast3', 'ast4', 'ast4']);
});
