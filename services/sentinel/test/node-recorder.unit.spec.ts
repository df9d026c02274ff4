import type { NodeEvent } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { NodeRecorder, recordOf } from '../src/node-recorder.js';

const life = { nodeId: 'ast1', incarnation: '1000', at: 1 };
const seen: NodeEvent = { ...life, type: 'NodeSeen' };
const down: NodeEvent = { ...life, type: 'NodeDown', evidence: 'process-gone', lastFactSeq: null };

describe('what a sentinel records', () => {
  it('goes on from what others have recorded where its own append had been made before', async () => {
    const stored = [seen, down].map((event, index) => ({ version: index + 1, event }));
    const appended: NodeEvent[] = [];
    const recorder = new NodeRecorder(
      'ast1',
      recordOf([]),
      {
        store: {
          // The answer to the first try was lost; meanwhile another sentinel has declared the death.
          appendBatch: async (appends) =>
            appends.map(({ streamId, expectedVersion, events }) => {
              if (expectedVersion === 0) return { streamId, status: 'repeated', version: 2, outbox: [] };
              appended.push(...events.map(({ event }) => event));
              return { streamId, status: 'appended', version: expectedVersion + events.length, outbox: [] };
            }),
          readStream: async () => stored as never,
        },
        outbox: { publishNow: async () => undefined },
        log: createLogger('test', 'silent'),
        signal: new AbortController().signal,
      },
      () => undefined,
    );
    await recorder.add([seen]);
    await recorder.add([down]);
    expect(appended).toEqual([]);
  });
});
