import type { BridgeObserved, CallFact, LegObserved } from '@reinvite/domain';
import type { SequencedFact } from '../../src/call-records/fold.js';

const life = { nodeId: 'ast1', incarnation: '1000' };

export function leg(channelId: string, at: number, changes: Partial<LegObserved> = {}): LegObserved {
  return {
    type: 'LegObserved',
    ...life,
    at,
    channelId,
    channelName: `PJSIP/edge-${channelId}`,
    endpoint: 'edge',
    sipCallId: `${channelId}@phone`,
    state: 'Up',
    createdAt: 5,
    caller: { name: 'Ada', number: '100' },
    accountCode: '',
    language: 'en',
    dialplan: { context: 'phones', extension: 'app', priority: 2, appName: 'Stasis', appData: 'demo' },
    stasisApp: 'demo',
    dialedBy: null,
    ...changes,
  };
}

export function bridge(
  bridgeId: string,
  at: number,
  channelIds: string[],
  changes: Partial<BridgeObserved> = {},
): BridgeObserved {
  return {
    type: 'BridgeObserved',
    ...life,
    at,
    bridgeId,
    bridgeType: 'mixing',
    bridgeClass: 'stasis',
    creator: 'Stasis',
    name: '',
    channelIds,
    ...changes,
  };
}

export const legGone = (channelId: string, at: number, cause = 16): CallFact => ({
  type: 'LegGone',
  ...life,
  at,
  channelId,
  cause,
});
export const bridgeGone = (bridgeId: string, at: number): CallFact => ({
  type: 'BridgeGone',
  ...life,
  at,
  bridgeId,
});
export const syncing = (at: number): CallFact => ({ type: 'NodeSyncing', ...life, at });
export const synced = (at: number): CallFact => ({ type: 'NodeSynced', ...life, at });

/** Facts with the sequences 1, 2, 3, … or from `first` on. */
export function sequenced(facts: readonly CallFact[], first = 1): SequencedFact[] {
  return facts.map((message, i) => ({ seq: first + i, message }));
}
