import type { Alarm, Heartbeat } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { NodeGuard } from '../src/node-guard.js';
import { recordOf } from '../src/node-recorder.js';

describe('the guard of a node', () => {
  it('raises one alarm where two Asterisks tell of themselves as that node', () => {
    const alarms: Alarm[] = [];
    let at = 10_000;
    const guard = new NodeGuard({
      nodeId: 'ast1',
      record: recordOf([]),
      settings: {
        ...{ suspectAfterMs: 1_000, suspectWithinMs: 1_500, suspicionLevel: 8 },
        ...{ hangAfterMs: 1_000, fenceAfterMs: 500 },
      },
      now: () => ({ mono: at, at }),
      ask: async () => undefined,
      fence: async () => ({ kind: 'fence-failed', reason: 'not to be asked' }),
      endRevenant: async () => ({ kind: 'fence-failed', reason: 'not to be asked' }),
      alarm: (alarm) => alarms.push(alarm),
      store: {
        appendBatch: async (appends) =>
          appends.map(({ streamId }) => ({ streamId, status: 'appended', version: 1, outbox: [] })),
        readStream: async () => [],
      },
      outbox: { publishNow: async () => undefined },
      log: createLogger('test', 'silent'),
      signal: new AbortController().signal,
    });
    const beat = (incarnation: string): void => {
      at += 200;
      const heartbeat: Heartbeat = {
        ...{ type: 'Heartbeat', nodeId: 'ast1', incarnation, at, intervalMs: 200, asterisk: 'up' },
        ...{ liveChannels: 0, recoveryModule: true },
      };
      guard.observe({ kind: 'heartbeat', heartbeat });
    };
    for (let round = 0; round < 3; round += 1) ['1000', '2000'].forEach(beat);
    expect(guard.history).toMatchObject({ current: { incarnation: '1000' }, down: new Set() });
    expect(alarms).toMatchObject([
      { kind: 'node-doubled', nodeId: 'ast1', incarnation: '1000', details: { second: '2000' } },
    ]);
  });
});
