import { declareDownReply, noHistory, type DeclareDown, type NodeHistory } from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import type { NodeGuard } from '../src/node-guard.js';
import { openDesk } from '../src/operator-desk.js';

describe('an operator who says that a node is dead', () => {
  const suspected: NodeHistory = { ...noHistory, current: { incarnation: 'A', standing: 'suspected' } };

  /** A node that this sentinel has not heard for a minute. */
  const rig = (more: { hearsForMs?: number; objectors?: string[]; quietMs?: number } = {}) => {
    const { hearsForMs = 60_000, objectors = [], quietMs = 60_000 } = more;
    const observed: unknown[] = [];
    let declare: (request: DeclareDown) => Promise<unknown> = async () => ({});
    const guard = {
      ...{ nodeId: 'ast1', history: suspected, quietMs: () => quietMs },
      observe: (observation: unknown) => void observed.push(observation),
      recorded: async () => undefined,
    };
    openDesk({
      ...{ sentinelId: 's1', freshMs: 1_000, hearsForMs: () => hearsForMs },
      council: { isAlone: false, objectors: async () => objectors },
      guards: new Map([['ast1', guard as unknown as NodeGuard]]),
      bus: {
        respond: (subject, _schema, handler) => {
          if (subject === 'reinvite.operator.node') declare = handler as never;
          return () => undefined;
        },
      },
    });
    const ask = async () =>
      declareDownReply.parse(
        await declare({ type: 'DeclareDown', nodeId: 'ast1', requestedBy: 'alice', reason: '' }),
      );
    return { ask, observed };
  };

  it('is believed where nobody knows better', async () => {
    const { ask, observed } = rig();
    expect(await ask()).toEqual({ status: 'accepted', nodeId: 'ast1', incarnation: 'A' });
    expect(observed).toMatchObject([{ kind: 'declared-down', requestedBy: 'alice' }]);
  });

  it.each([
    ['cannot hear', { hearsForMs: 0 }],
    ['hears again since a moment ago', { hearsForMs: 900 }],
    ['has heard the node lately', { quietMs: 900 }],
  ])('is not believed by a sentinel that %s', async (_how, more) => {
    const { ask, observed } = rig(more);
    expect(await ask()).toMatchObject({ status: 'refused', code: 'RECOVERY_NODE_ALIVE' });
    expect(observed).toEqual([]);
  });

  it('is not believed where another sentinel suspects nothing', async () => {
    const { ask, observed } = rig({ objectors: ['s2'] });
    expect(await ask()).toMatchObject({ status: 'refused', message: 's2 suspects nothing of ast1' });
    expect(observed).toEqual([]);
  });
});
