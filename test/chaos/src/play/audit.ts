import pg from 'pg';
import { eventually } from '@reinvite/test-support';
import type { AuditDeath, AuditRecovery } from '../check/evidence.js';

/** Longer than any recovery may take to have its outcome. */
const OUTCOME_MS = 60_000;

interface RecoveryRow {
  readonly recovery_id: string;
  readonly call_id: string;
  readonly node_id: string;
  readonly incarnation: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly detected_at: Date;
  readonly legs: readonly { readonly sipCallId: string }[];
}

interface DeathRow {
  readonly node_id: string;
  readonly incarnation: string;
  readonly evidence: string;
  readonly down_at: Date;
}

/** What Reinvite says of a run, once nothing of it is under way any more, or a minute later. */
export async function readAudit(
  postgresUrl: string,
): Promise<{ readonly recoveries: readonly AuditRecovery[]; readonly deaths: readonly AuditDeath[] }> {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await untilNoneUnderWay(client);
    const recoveries = await client.query<RecoveryRow>(
      'select recovery_id, call_id, node_id, incarnation, outcome, reason, detected_at, legs from audit_recoveries order by detected_at',
    );
    const deaths = await client.query<DeathRow>(
      'select node_id, incarnation, evidence, down_at from audit_nodes order by down_at',
    );
    return {
      recoveries: recoveries.rows.map((row) => ({
        recoveryId: row.recovery_id,
        callId: row.call_id,
        nodeId: row.node_id,
        incarnation: row.incarnation,
        outcome: row.outcome,
        reason: row.reason,
        detectedAt: row.detected_at.getTime(),
        sipCallIds: row.legs.map(({ sipCallId }) => sipCallId),
      })),
      deaths: deaths.rows.map((row) => ({
        nodeId: row.node_id,
        incarnation: row.incarnation,
        evidence: row.evidence,
        downAt: row.down_at.getTime(),
      })),
    };
  } finally {
    await client.end();
  }
}

/** What is still under way after that is the checker's to report. */
async function untilNoneUnderWay(client: pg.Client): Promise<void> {
  const none = async (): Promise<boolean> => {
    const { rows } = await client.query<{ open: number }>(
      "select count(*)::int as open from audit_recoveries where outcome = 'under way'",
    );
    return rows[0]?.open === 0;
  };
  await eventually('the outcomes', none, OUTCOME_MS).catch(() => undefined);
}
