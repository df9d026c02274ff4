import { randomUUID } from 'node:crypto';
import { connectPool, inTransaction, type Pool } from '@reinvite/db';
import {
  channelIdOf,
  evolve,
  recoveryEvent,
  recoveryIdOf,
  recoveryStream,
  unplanned,
  type RecoveryEvent,
  type RecoveryPlanned,
} from '@reinvite/domain';
import { EventCodec, EventStore } from '@reinvite/event-store';
import { createLogger } from '@reinvite/runtime';
import { startBackends } from '@reinvite/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rememberedLegs } from '../src/planning/memory.js';
import { rowsOf } from '../src/recoveries/read-rows.js';
import { writeReadSide } from '../src/recoveries/write-read-side.js';

const log = createLogger('test', 'silent');
const recoveryId = recoveryIdOf('ast1', '1000', 'call');
const at = Date.now();
const of = { recoveryId, callId: 'call', nodeId: 'ast1', incarnation: '1000', at };
const bridgeResume = { playbacks: [{ id: 'p', media: ['sound:long'], language: '', offsetMs: 4_200 }] };

const planned: RecoveryPlanned = {
  type: 'RecoveryPlanned',
  ...of,
  trigger: { kind: 'node-down', evidence: 'process-gone', at },
  kind: 'ari-bridge',
  join: { kind: 'ari-bridge', bridgeId: 'b', bridgeType: 'mixing', name: '' },
  legs: ['a', 'b'].map((legId) => ({
    legId,
    sipCallId: `${legId}@phone`,
    endpoint: 'edge',
    place: { kind: 'stasis' as const, app: 'demo' },
    dialog: {},
    callerId: '',
    accountCode: '',
    language: '',
  })),
  skipped: [],
  limits: { maxAttempts: 2, attemptTimeoutMs: 8_000 },
  bridgeResume,
};
const attempt = (number: number, target: string, legs: readonly number[]): RecoveryEvent[] => {
  const ofAttempt = { ...of, attempt: number, target };
  const channels = legs.map((leg) => ({
    legId: leg === 0 ? 'a' : 'b',
    channelId: channelIdOf(recoveryId, leg, number),
  }));
  const times = { notAfter: at + 8_000, deadlineAt: at + 9_000 };
  return [
    {
      type: 'AttemptStarted',
      ...ofAttempt,
      targetIncarnation: `life-of-${target}`,
      legs: channels,
      ...times,
    },
    ...channels.map((channel): RecoveryEvent => ({ type: 'LegAnswered', ...ofAttempt, ...channel })),
  ];
};
const resumed: RecoveryEvent = {
  type: 'BridgeResumed',
  ...of,
  attempt: 1,
  target: 'ast2',
  bridgeId: 'b',
  restored: ['playback:sound:long'],
  notRestored: [],
};

describe('what is remembered of a bridge that was given something to go on with, on a real Postgres', () => {
  let backends: Awaited<ReturnType<typeof startBackends>>;
  let pool: Pool;

  beforeEach(async () => {
    backends = await startBackends();
    pool = connectPool(backends.postgresUrl, { applicationName: 'reinvite-test', log });
  });
  afterEach(async () => {
    await pool.end();
    await backends.stop();
  });

  const toldAfter = async (
    later: readonly RecoveryEvent[],
    channelId: string,
  ): Promise<boolean | undefined> => {
    const store = new EventStore({ pool, codec: new EventCodec({ schema: recoveryEvent }) });
    const entry = (event: RecoveryEvent) => ({ id: randomUUID(), event });
    const stored = [entry(planned), ...later.map(entry)] as const;
    await store.appendBatch([{ streamId: recoveryStream(recoveryId), expectedVersion: 0, events: stored }]);
    const events = [planned, ...later];
    const rows = [rowsOf(planned, events, events.reduce(evolve, unplanned))];
    await inTransaction(pool, (tx) => writeReadSide(tx, { rows, set: [], cleared: [] }));
    return (await rememberedLegs(pool, [channelId])).get(channelId)?.bridgeResumed?.told;
  };

  it('is that it was told, also of a leg that came to it later', async () => {
    const later = [...attempt(1, 'ast2', [0]), resumed, ...attempt(2, 'ast2', [1])];
    expect(await toldAfter(later, channelIdOf(recoveryId, 1, 2))).toBe(true);
  });

  it('is nothing of a bridge on another node, which was another bridge', async () => {
    const later = [...attempt(1, 'ast2', [0]), resumed, ...attempt(2, 'ast3', [0, 1])];
    expect(await toldAfter(later, channelIdOf(recoveryId, 1, 2))).toBe(false);
  });
});
