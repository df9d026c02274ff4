import type { NodeDown } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { greetEdges, tellEdgesOfDeath, type EdgeNodesOptions } from '../src/early/edge-nodes.js';
import { FakeEdge } from './support/fake-edge.js';

const NOBODY = 'http://127.0.0.1:1/rpc';
const NODE = 'sip:10.0.0.1:5060';
const OTHER = 'sip:10.0.0.11:5060';
const SIXTH = 'sip:[fd00::1]:5060;transport=tcp';

describe('new calls, when a node has died', () => {
  let edge: FakeEdge;

  beforeEach(async () => {
    edge = await FakeEdge.start();
    edge.targets.set(NODE, 'AP').set(OTHER, 'AP').set(SIXTH, 'AX');
  });
  afterEach(() => edge.stop());

  const down = (at = Date.now()): NodeDown => ({
    type: 'NodeDown',
    nodeId: 'ast1',
    incarnation: 'life',
    evidence: 'process-gone',
    lastFactSeq: null,
    at,
  });
  const tell = (event: NodeDown, change: Partial<EdgeNodesOptions> = {}): Promise<void> =>
    tellEdgesOfDeath(event, {
      rpcUrls: [edge.rpcUrl],
      addressesOf: (nodeId) => (nodeId === 'ast1' ? ['10.0.0.1', 'fd00::1'] : []),
      isBack: () => false,
      log: createLogger('test', 'silent'),
      ...change,
    });
  const states = (): string[] => [...edge.targets.values()];

  it('are sent there no more, by any edge, and its probes go on', async () => {
    const second = await FakeEdge.start();
    second.targets.set(NODE, 'AP');
    await tell(down(), { rpcUrls: [edge.rpcUrl, NOBODY, second.rpcUrl] });
    expect(states()).toEqual(['IP', 'AP', 'IP']);
    expect([...second.targets.values()]).toEqual(['IP']);
    second.stop();
  });

  it('may be sent to a node that is back, or died a while ago, or is not configured', async () => {
    await tell(down(), { isBack: () => true });
    await tell(down(Date.now() - 60_000));
    await tell({ ...down(), nodeId: 'ast9' });
    expect(states()).toEqual(['AP', 'AP', 'AX']);
    expect(edge.asked).toEqual([]);
  });

  it('are none of ours where the edge takes the node for dead already', async () => {
    edge.targets.set(NODE, 'IP').set(SIXTH, 'TP');
    await tell(down());
    expect(edge.asked.map(({ method }) => method)).toEqual(['dispatcher.list']);
  });

  it('find the way to the edges open, whose silence troubles nobody', async () => {
    await greetEdges({ rpcUrls: [NOBODY, edge.rpcUrl], log: createLogger('test', 'silent') });
    expect(edge.asked.map(({ method }) => method)).toEqual(['dispatcher.list']);
    expect(states()).toEqual(['AP', 'AP', 'AX']);
  });

  it.each([
    ['refuses', { jsonrpc: '2.0', id: 1, error: { code: 500, message: 'no' } }],
    ['answers something else', { jsonrpc: '2.0', id: 1, result: { RECORDS: 7 } }],
    ['answers no JSON', '<html>'],
  ])('do not trouble anybody where the edge %s', async (_, answers) => {
    edge.answers = answers;
    await tell(down());
    expect(states()).toEqual(['AP', 'AP', 'AX']);
  });
});
