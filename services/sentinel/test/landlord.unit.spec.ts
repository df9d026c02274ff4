import { subjects } from '@reinvite/bus';
import { leaseReply, type LeaseRequest } from '@reinvite/domain';
import { codedError, createLogger, parseConfig } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { LeaseBook } from '../src/lease/lease-book.js';
import { grantLeases } from '../src/lease/landlord.js';
import { watchNodes, type SentinelParts } from '../src/sentinel.js';

describe('a sentinel that is asked for a lease', () => {
  const rig = () => {
    const book = new LeaseBook();
    const rigged = { book, mono: 0, down: false };
    let answer: (request: LeaseRequest) => Promise<unknown> = async () => ({});
    grantLeases('ast1', {
      ...{ sentinelId: 's1', sentinels: 3, book, log: createLogger('test', 'silent') },
      mono: () => rigged.mono,
      isDown: () => rigged.down,
      bus: {
        respond: (_subject, _schema, handler) => {
          answer = handler as never;
          return () => undefined;
        },
      },
    });
    const ask = async (): Promise<string> => {
      const request = { type: 'LeaseRequest', nodeId: 'ast1', incarnation: 'A', leaseMs: 3_000 } as const;
      return leaseReply.parse(await answer(request)).status;
    };
    return { rigged, ask };
  };

  it('grants none once it has said that the lease is over, which is no word that the life must end', async () => {
    const { rigged, ask } = rig();
    expect(await ask()).toBe('granted');
    rigged.mono = 60_000;
    expect(rigged.book.isOver('ast1', 'A', rigged.mono)).toBe(true);
    expect(await ask()).toBe('ended');
  });

  it('grants it also before it can read what is recorded, and has no vote until then', async () => {
    const stop = new AbortController();
    const answers = new Map<string, (request: LeaseRequest) => Promise<unknown>>();
    const bus = {
      respond: (subject: string, _schema: unknown, handler: never) => answers.set(subject, handler),
    };
    const config = parseConfig({
      nats: { servers: ['nats://127.0.0.1:1'] },
      postgres: { url: 'postgres://127.0.0.1:1/none' },
      nodes: [{ id: 'ast1', sipAddresses: ['127.0.0.1'], ari: { url: 'http://127.0.0.1:1', username: 'u' } }],
      sentinel: { sentinels: 3 },
    });
    const parts = {
      ...{ bus, store: {}, outbox: {}, ask: async () => async () => undefined },
      open: () => Promise.reject(codedError('POSTGRES_UNREACHABLE', 'away')),
    } as unknown as SentinelParts;
    const log = createLogger('test', 'silent');
    const watching = watchNodes({ config, log, signal: stop.signal }, parts);
    const request = { type: 'LeaseRequest', nodeId: 'ast1', incarnation: 'A', leaseMs: 3_000 } as const;
    expect([...answers.keys()]).toEqual([subjects.lease('ast1')]);
    expect(await answers.get(subjects.lease('ast1'))?.(request)).toMatchObject({ status: 'granted' });
    stop.abort();
    await expect(watching).rejects.toThrow();
  });

  it('refuses a life that was declared down', async () => {
    const { rigged, ask } = rig();
    rigged.down = true;
    expect(await ask()).toBe('refused');
  });
});
