import { setTimeout as delay } from 'node:timers/promises';
import { database, deadlines, withPostgresErrors, type Pool } from '@reinvite/db';
import type { Logger } from '@reinvite/runtime';
import { inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Recoveries } from './recoveries.js';
import { ATTEMPT_DEADLINE } from './write-read-side.js';

const POLL_MS = 250;
const BATCH = 200;

/** A replica that has claimed a deadline has this long to handle it. */
const CLAIM_MS = 10_000;

const attemptPayload = z.object({ attempt: z.number().int().positive() });

interface DueRow extends Record<string, unknown> {
  readonly id: string;
  readonly recovery_id: string;
  readonly payload: unknown;
}

/** Tells recoveries of attempts whose deadline has passed, until the signal aborts. Replicas share the rows. */
export async function watchDeadlines(
  pool: Pool,
  recoveries: Pick<Recoveries, 'tell'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      while ((await handleDue(pool, recoveries, Date.now())) === BATCH && !signal.aborted);
    } catch (err) {
      log.warn({ err }, 'deadlines not looked at, trying again');
    }
    // Rejects only when the signal aborts, which ends the loop.
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Handles what is due at `now` (epoch ms). A row is claimed by putting it off for a while, so that a replica that dies leaves
 * it to another.
 * @returns how many there were.
 */
export async function handleDue(
  pool: Pool,
  recoveries: Pick<Recoveries, 'tell'>,
  now: number,
): Promise<number> {
  const db = database(pool);
  const claimed = await withPostgresErrors(() => db.execute<DueRow>(claim(now)));
  const ids = claimed.rows.map((row) => row.id);
  if (ids.length === 0) return 0;
  await recoveries.tell(
    claimed.rows.flatMap(({ recovery_id, payload }) => {
      const attempt = attemptPayload.safeParse(payload).data?.attempt;
      return attempt === undefined
        ? []
        : [{ recoveryId: recovery_id, command: { type: 'TimeOutAttempt', attempt, at: now } }];
    }),
  );
  await withPostgresErrors(() =>
    db
      .update(deadlines)
      .set({ doneAt: new Date(now) })
      .where(inArray(deadlines.id, ids)),
  );
  return ids.length;
}

const claim = (now: number) => sql`
  update deadlines set due_at = ${new Date(now + CLAIM_MS).toISOString()}::timestamptz
  where id in (
    select id from deadlines
    where done_at is null and kind = ${ATTEMPT_DEADLINE} and due_at <= ${new Date(now).toISOString()}::timestamptz
    order by due_at limit ${BATCH} for update skip locked)
  returning id, recovery_id, payload`;
