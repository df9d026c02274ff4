import pg from 'pg';

/** What Reinvite itself says of the crash: rows of the views `audit_nodes` and `audit_recoveries`. */
export interface Audit {
  /** When the death was seen, epoch ms; null where it never was. */
  readonly downAt: number | null;
  /** By callId. */
  readonly recoveries: ReadonlyMap<string, { readonly outcome: string; readonly reason: string | null }>;
}

/** @param since epoch ms; deaths of the node before it are not meant. */
export async function readAudit(postgresUrl: string, node: string, since: number): Promise<Audit> {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const deaths = await client.query<{ incarnation: string; down_at: Date }>(
      'select incarnation, down_at from audit_nodes where node_id = $1 and down_at > to_timestamp($2) order by down_at limit 1',
      [node, since / 1_000 - 1],
    );
    const [death] = deaths.rows;
    if (death === undefined) return { downAt: null, recoveries: new Map() };
    const { rows } = await client.query<{ call_id: string; outcome: string; reason: string | null }>(
      'select call_id, outcome, reason from audit_recoveries where node_id = $1 and incarnation = $2',
      [node, death.incarnation],
    );
    return {
      downAt: death.down_at.getTime(),
      recoveries: new Map(rows.map(({ call_id, outcome, reason }) => [call_id, { outcome, reason }])),
    };
  } finally {
    await client.end();
  }
}
