import { setTimeout as delay } from 'node:timers/promises';
import { database, deadlines, withPostgresErrors, type Pool } from '@reinvite/db';
import type { Candidate, RecoveryCommand } from '@reinvite/domain';
import type { Logger } from '@reinvite/runtime';
import { inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Recoveries, Told } from './recoveries.js';
import type { ToldByAgents } from './told-by-agents.js';
import { DEADLINE_KINDS, type DeadlineKind } from './write-read-side.js';

const POLL_MS = 250;
const BATCH = 200;

/** A replica that has claimed a deadline has this long to handle it. */
const CLAIM_MS = 10_000;

const attemptPayload = z.object({ attempt: z.number().int().positive() });

/** A deadline that is due. */
export interface DueRow extends Record<string, unknown> {
  readonly id: string;
  readonly recovery_id: string;
  readonly kind: string;
  readonly payload: unknown;
}

/** The deadlines' rows. Both reject with the coded errors of `withPostgresErrors`. */
export interface DeadlineRows {
  /** Those due at `now` (epoch ms), at most `limit`, put off to `until` in the same step; rows that another replica claims are left out. */
  claim(now: number, until: number, limit: number): Promise<readonly DueRow[]>;
  done(ids: readonly string[], now: number): Promise<void>;
}

/** The table `deadlines`. */
export function postgresDeadlines(pool: Pool): DeadlineRows {
  const db = database(pool);
  return {
    claim: async (now, until, limit) =>
      (await withPostgresErrors(() => db.execute<DueRow>(claim(now, until, limit)))).rows,
    done: async (ids, now) => {
      await withPostgresErrors(() =>
        db
          .update(deadlines)
          .set({ doneAt: new Date(now) })
          .where(inArray(deadlines.id, [...ids])),
      );
    },
  };
}

/** Nodes that could take an attempt now. */
export type Candidates = () => readonly Candidate[];

/**
 * Tells recoveries of attempts that are over or due, until the signal aborts. Replicas share the rows.
 * @param told what the agents know of attempts of which no worker has said how they ended; default: nothing.
 */
export async function watchDeadlines(
  rows: DeadlineRows,
  recoveries: Pick<Recoveries, 'tell'>,
  candidates: Candidates,
  log: Logger,
  signal: AbortSignal,
  told: ToldByAgents = async () => [],
): Promise<void> {
  while (!signal.aborted) {
    try {
      while ((await handleDue(rows, recoveries, candidates, Date.now(), told)) === BATCH && !signal.aborted);
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
  rows: DeadlineRows,
  recoveries: Pick<Recoveries, 'tell'>,
  candidates: Candidates,
  now: number,
  told: ToldByAgents = async () => [],
): Promise<number> {
  const claimed = await rows.claim(now, now + CLAIM_MS, BATCH);
  const ids = claimed.map((row) => row.id);
  if (ids.length === 0) return 0;
  const timedOut = claimed.filter(({ kind }) => kind === 'attempt').map((row) => row.recovery_id);
  const known = (await told(timedOut)).map((fact): Told => {
    const command = { type: 'RecordFact', fact, candidates: candidates(), at: now } as const;
    return { recoveryId: fact.recoveryId, command };
  });
  const due = claimed.flatMap((row): Told[] => {
    const command = commandOf(row, candidates, now);
    return command === null ? [] : [{ recoveryId: row.recovery_id, command }];
  });
  await recoveries.tell([...known, ...due]);
  await rows.done(ids, now);
  return ids.length;
}

function commandOf({ kind, payload }: DueRow, candidates: Candidates, at: number): RecoveryCommand | null {
  const attempt = attemptPayload.safeParse(payload).data?.attempt;
  if (attempt === undefined) return null;
  switch (kind as DeadlineKind) {
    case 'retry':
      return { type: 'StartAttempt', attempt, candidates: candidates(), at };
    case 'bereft':
      return { type: 'EndBereftHold', at };
    case 'attempt':
      return { type: 'TimeOutAttempt', attempt, at };
  }
}

const claim = (now: number, until: number, limit: number) => sql`
  update deadlines set due_at = ${new Date(until).toISOString()}::timestamptz
  where id in (
    select id from deadlines
    where done_at is null and kind in ${DEADLINE_KINDS} and due_at <= ${new Date(now).toISOString()}::timestamptz
    order by due_at limit ${limit} for update skip locked)
  returning id, recovery_id, kind, payload`;
