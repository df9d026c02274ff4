import { inTransaction, toJsonb, type Pool } from '@reinvite/db';
import {
  advance,
  channelIdOf,
  decide,
  deriveCalls,
  newRecovery,
  planRecoveries,
  recoveryIdOf,
  type BridgeRecord,
  type DialogView,
  type LegRecord,
  type RecoveryPolicy,
} from '@reinvite/domain';
import { readLiveCalls } from '../call-records/index.js';
import { readFlows } from '../flow/index.js';
import { rowsOf } from '../recoveries/read-rows.js';
import { writeReadSide } from '../recoveries/write-read-side.js';
import { claim } from './claim.js';
import type { DialogSources } from './dialog-sources.js';
import { rememberedLegs } from './memory.js';
import { whatIsPlanned } from './planned.js';
import { unheardLegs } from './unheard.js';

const ROUNDS = 8;
const PAIRS = 50;
/** No node can have this name, so that what is read here is empty. */
export const NOBODY = '(rehearsal)';

/**
 * Goes once through all that a death brings, with calls that do not exist and without writing anything: cold code and cold
 * connections would cost the first real death ten times what the next one takes.
 * @param policy any.
 * @param connections of the pool that are used at once.
 * @throws CodedError `POSTGRES_UNREACHABLE`
 */
export async function rehearse(
  pool: Pool,
  { ledger }: Pick<DialogSources, 'ledger'>,
  policy: RecoveryPolicy,
  connections: number,
): Promise<void> {
  const nothing = { rows: [], set: [], cleared: [] };
  await Promise.all(
    Array.from({ length: connections }, async () => {
      await whatIsPlanned(pool, NOBODY, NOBODY);
      await readLiveCalls(pool, NOBODY, NOBODY);
      await unheardLegs(pool, NOBODY, NOBODY);
      await rememberedLegs(pool, [channelIdOf(recoveryIdOf(NOBODY, NOBODY, NOBODY), 0, 1)]);
      await readFlows(pool, [NOBODY]);
      await ledger?.findByCallIds([NOBODY]);
      await inTransaction(pool, async (tx) => {
        await claim(tx, NOBODY, NOBODY, new Map([[NOBODY, NOBODY]]));
        await writeReadSide(tx, nothing);
      });
    }),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    rehearsePlans(policy);
    // Lets the service do its other work in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function rehearsePlans(policy: RecoveryPolicy): void {
  const legs = Array.from({ length: PAIRS * 2 }, (_, n) => legRecord(n));
  const bridges = Array.from({ length: PAIRS }, (_, n) => bridgeRecord(n));
  const variables = { PJSIP_RECOVERY_REQUEST_URI: 'sip:nobody@invalid', PJSIP_RECOVERY_CSEQ: '1' };
  const dialog: DialogView = { state: 'confirmed', nodeId: NOBODY, unsure: [], variables, inviteCseq: 1 };
  const commands = planRecoveries({
    calls: deriveCalls({ nodeId: NOBODY, incarnation: NOBODY, legs, bridges }, new Map()),
    dialogs: new Map(legs.map((leg) => [leg.sipCallId, [dialog]])),
    candidates: [
      { nodeId: NOBODY, incarnation: NOBODY, group: policy.targets[0] ?? '', load: 0, lastResort: false },
    ],
    trigger: { kind: 'node-down', evidence: 'process-gone', at: 0 },
    limits: { maxAttempts: 1, attemptTimeoutMs: 1 },
    policy,
    ledgerHeard: true,
    past: [],
    at: 0,
  });
  for (const command of commands) {
    const events = decide(command, newRecovery().context.recovery);
    const { snapshot, effects } = advance(newRecovery(), events);
    const { recovery } = snapshot.context;
    if (recovery.phase !== 'unplanned') toJsonb([events, effects, rowsOf(recovery.plan, events, recovery)]);
  }
}

function legRecord(n: number): LegRecord {
  const dialplan = { context: 'c', extension: 'e', priority: 1, appName: 'Stasis', appData: 'a' };
  return {
    channelId: `${n}`,
    channelName: '',
    endpoint: 'e',
    sipCallId: `${n}@invalid`,
    state: 'Up',
    createdAt: n,
    caller: { name: '', number: '' },
    accountCode: '',
    language: '',
    dialplan,
    stasisApp: 'a',
    dialedBy: null,
    at: 0,
  };
}

function bridgeRecord(n: number): BridgeRecord {
  const channelIds = [`${2 * n}`, `${2 * n + 1}`];
  return {
    bridgeId: `${n}`,
    bridgeType: 'mixing',
    bridgeClass: 'stasis',
    creator: '',
    name: '',
    channelIds,
    at: 0,
  };
}
