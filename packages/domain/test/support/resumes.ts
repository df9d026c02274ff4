import {
  deriveCalls,
  planRecoveries,
  type LegActivity,
  type PlanInput,
  type PlanRecovery,
  type RestoredLeg,
} from '../../src/index.js';
import { policy } from './policies.js';
import { ariBridge, dialogView, stasisLeg } from './records.js';

export const DIED_AT = 100_000;
export const PLAYBACK = { id: 'p', media: ['sound:long'], language: 'en', startedAt: 95_800 };
export const RECORDING = { name: 'rec', format: 'wav', startedAt: 90_000 };

export interface Scene extends Partial<PlanInput> {
  readonly activity?: LegActivity;
  readonly bridge?: LegActivity;
  readonly remembered?: Partial<RestoredLeg>;
}

/** One leg in an ARI application, in a bridge where that is doing something. */
export function planned({ activity, bridge, remembered, ...change }: Scene): PlanRecovery {
  const leg = stasisLeg('a', activity === undefined ? {} : { activity });
  const memory = new Map<string, RestoredLeg>();
  if (remembered !== undefined)
    memory.set('a', { callId: 'a@phone', place: { kind: 'stasis', app: 'demo' }, ...remembered });
  const bridges = bridge === undefined ? [] : [ariBridge('b', ['a'], { activity: bridge })];
  const [command] = planRecoveries({
    calls: deriveCalls({ nodeId: 'ast1', incarnation: '1', legs: [leg], bridges }, memory),
    dialogs: new Map([['a@phone', [dialogView()]]]),
    candidates: [{ nodeId: 'ast2', incarnation: '2', group: 'default', load: 0, lastResort: false }],
    trigger: { kind: 'node-down', evidence: 'process-gone', at: DIED_AT },
    limits: { maxAttempts: 2, attemptTimeoutMs: 8_000 },
    policy: policy(),
    ledgerHeard: true,
    past: [],
    at: DIED_AT + 40,
    ...change,
  });
  if (command === undefined) throw new Error('nothing was planned');
  return command;
}
export const resumeOf = (scene: Scene) => planned(scene).legs[0]?.resume;
export const flows = new Map([['a@phone', { version: 1, state: '{}' }]]);
