import type { Bus, QueueOptions } from '@reinvite/bus';
import type { NodeDown } from '@reinvite/domain';
import { codedError, createLogger } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { consumeDeaths, type DeathsOptions } from '../src/consumers.js';
import { PostgresAnswers } from '../src/postgres-answers.js';

const down: NodeDown = {
  type: 'NodeDown',
  nodeId: 'ast1',
  incarnation: '1000',
  evidence: 'process-gone',
  lastFactSeq: 1,
  at: Date.now(),
};

/** A database that answers, refuses, or keeps silent, and a clock that is told the time. */
function database() {
  const is = { answering: true, asked: 0, now: 0 };
  const query = async (): Promise<void> => {
    is.asked += 1;
    if (!is.answering) throw Object.assign(new Error('cut off'), { code: 'ECONNREFUSED' });
  };
  return { is, postgres: new PostgresAnswers(query, () => is.now) };
}

/** How deaths are consumed. */
function consumed(change: Partial<DeathsOptions> = {}): QueueOptions<NodeDown> {
  let found: QueueOptions<NodeDown> | undefined;
  const consume = (async (options: QueueOptions<NodeDown>) => {
    found = options;
  }) as unknown as Bus['consume'];
  void consumeDeaths({
    bus: { consume },
    postgres: database().postgres,
    nodes: { died: () => undefined },
    planner: { recoverNode: async () => undefined },
    restraints: { noteDeath: async () => undefined },
    tellTargeted: async () => undefined,
    log: createLogger('test', 'silent'),
    ...change,
  });
  if (found === undefined) throw new Error('nothing is consumed');
  return found;
}

describe('a death that a replica has taken', () => {
  it('is kept however long it takes while Postgres answers, and left to others where it does not', async () => {
    const { is, postgres } = database();
    const { mayKeep } = consumed({ postgres });
    for (is.now = 0; is.now <= 60_000; is.now += 1_000) expect(await mayKeep?.()).toBe(true);
    is.answering = false;
    is.now = 62_000;
    expect(await mayKeep?.()).toBe(true);
    is.now = 63_500;
    expect(await mayKeep?.()).toBe(false);
    is.answering = true;
    expect(await mayKeep?.()).toBe(true);
  });

  it('is asked about once, however many are kept', async () => {
    const { is, postgres } = database();
    await Promise.all(Array.from({ length: 100 }, () => postgres.lately()));
    expect(is.asked).toBe(1);
  });

  it('is passed on where Postgres does not answer, and taken in the end all the same', async () => {
    const { is, postgres } = database();
    is.answering = false;
    let planned = 0;
    const { handler } = consumed({
      postgres,
      planner: {
        recoverNode: async () => {
          planned += 1;
        },
      },
    });
    await expect(handler(down, { attempt: 4 })).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    expect(planned).toBe(0);
    await handler(down, { attempt: 5 });
    expect(planned).toBe(1);
  });

  it('is done when its calls are, though nobody could say whether the node flaps', async () => {
    let release = (): void => undefined;
    const { handler } = consumed({
      planner: { recoverNode: () => new Promise((resolve) => (release = resolve)) },
      restraints: {
        noteDeath: () => Promise.reject(codedError('POSTGRES_UNREACHABLE', 'cut off')),
      },
    });
    let done = false;
    const work = handler(down, { attempt: 1 }).then(() => (done = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    release();
    await work;
    expect(done).toBe(true);
  });
});
