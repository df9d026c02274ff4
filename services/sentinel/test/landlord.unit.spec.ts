import { leaseReply, type LeaseRequest } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import { LeaseBook } from '../src/lease/lease-book.js';
import { grantLeases } from '../src/lease/landlord.js';

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

  it('refuses a life that was declared down', async () => {
    const { rigged, ask } = rig();
    rigged.down = true;
    expect(await ask()).toBe('refused');
  });
});
