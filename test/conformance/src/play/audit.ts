import type pg from 'pg';

/** What the audit says of one leg of one recovery. */
export interface AuditEntry {
  readonly sipCallId: string;
  readonly nodeId: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly target: string | null;
  readonly attempts: number;
  /** Epoch ms at which the leg was answered, as Reinvite saw it; null where it was not. */
  readonly answeredAt: number | null;
}

/** Recoveries by SIP Call-ID of their legs, in order. */
export async function auditOf(db: pg.Pool): Promise<AuditEntry[]> {
  const { rows } = await db.query<AuditEntry>(
    `select leg ->> 'sipCallId' as "sipCallId", r.node_id as "nodeId", r.outcome,
            coalesce(leg ->> 'reason', r.reason) as reason, r.target, r.attempts::int as attempts,
            extract(epoch from r.answered_at)::float8 * 1000 as "answeredAt"
     from audit_recoveries as r cross join lateral jsonb_array_elements(r.legs) as leg
     order by r.detected_at, r.recovery_id`,
  );
  return rows;
}

/** How many recoveries have no outcome yet. */
export async function underWay(db: pg.Pool): Promise<number> {
  const { rows } = await db.query<{ open: number }>(
    `select count(*)::int as open from audit_recoveries where outcome = 'under way'`,
  );
  return rows[0]?.open ?? 0;
}

/** Legs that Reinvite has on record as being in a call, by their SIP Call-ID. */
export async function legsUp(
  db: pg.Pool,
): Promise<Map<string, { readonly app: string | null; readonly dialplan: unknown }>> {
  const { rows } = await db.query<{ callId: string; app: string | null; dialplan: unknown }>(
    `select sip_call_id as "callId", stasis_app as app, dialplan from legs where gone_at is null and state = 'Up'`,
  );
  return new Map(rows.map(({ callId, app, dialplan }) => [callId, { app, dialplan }]));
}
