import { eventually } from '@reinvite/test-support';
import type pg from 'pg';

/** A call that its Asterisk has not written is missed for a while first. */
const BILLED_TIMEOUT_MS = 90_000;

/** One row of `call_detail`; moments in epoch ms. */
export interface CallDetail {
  readonly linkedid: string;
  readonly caller: string;
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly endedAt: number;
  readonly durationMs: number;
  readonly billedMs: number;
  readonly gapMs: number;
  readonly parts: number;
  readonly nodes: readonly string[];
  readonly outcome: string;
}

/** Every row, by the number of the caller. */
export async function callDetails(db: pg.Pool): Promise<Map<string, CallDetail[]>> {
  const { rows } = await db.query<CallDetail>(
    `select linkedid, caller, duration_ms::float8 as "durationMs", billed_ms::float8 as "billedMs", gap_ms::float8 as "gapMs",
            extract(epoch from started_at)::float8 * 1000 as "startedAt",
            extract(epoch from answered_at)::float8 * 1000 as "answeredAt",
            extract(epoch from ended_at)::float8 * 1000 as "endedAt", parts::int as parts, nodes, outcome
     from call_detail order by started_at`,
  );
  const found = new Map<string, CallDetail[]>();
  for (const row of rows) found.set(row.caller, [...(found.get(row.caller) ?? []), row]);
  return found;
}

/** Resolves when each of the calls has at least one row and none of them is under way, with all rows that there are. */
export async function untilBilled(
  db: pg.Pool,
  numbers: readonly string[],
): Promise<Map<string, CallDetail[]>> {
  let seen = '';
  return eventually(
    () => `the calls to be billed: ${seen}`,
    async () => {
      const found = await callDetails(db);
      seen = JSON.stringify([...found.values()].flat());
      const rows = numbers.map((number) => found.get(number) ?? []);
      return rows.every((own) => own.length > 0 && own.every(({ outcome }) => outcome !== 'under way'))
        ? found
        : undefined;
    },
    BILLED_TIMEOUT_MS,
  );
}
