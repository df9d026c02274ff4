import type { Database } from '@reinvite/db';
import {
  deadlineRow,
  type DeadlineRows,
  type DeadTargets,
  type LegRow,
  type OpenLeg,
  type OpenLegs,
  type ReadSide,
  type ReadSideChanges,
  type RecoveryRow,
} from '@reinvite/recovery/logic';
import type { Process } from '../world/process.js';
import type { Wrong } from '../wrong.js';
import type { Postgres, Transaction } from './server.js';
import { keyOf, type Tables } from './tables.js';

/** What the statement of the read side does, row by row. */
export function simulatedReadSide(process: Process, postgres: Postgres, { noReadSide }: Wrong): ReadSide {
  return {
    write: async (tx, changes) =>
      noReadSide ? undefined : write(tx as unknown as Transaction, postgres.tables, changes),
    transaction: (work) =>
      postgres.transact(process, 'close an incarnation', (tx) => work(tx as unknown as Database)),
  };
}

function write({ undo }: Transaction, tables: Tables, changes: ReadSideChanges): void {
  for (const { recovery, legs } of changes.rows) {
    const known = tables.recoveries.get(recovery.recovery_id);
    const merged = known === undefined ? recovery : mergeRecovery(known, recovery);
    tables.recoveries.set(undo, recovery.recovery_id, merged);
    for (const leg of legs) {
      const key = keyOf(leg.recovery_id, leg.leg_id, leg.attempt);
      const before = tables.legs.get(key);
      tables.legs.set(undo, key, before === undefined ? leg : mergeLeg(before, leg));
    }
  }
  const cleared = new Set(changes.cleared);
  for (const [id, row] of [...tables.deadlines.entries()]) {
    if (row.doneAt === null && cleared.has(row.recoveryId))
      tables.deadlines.set(undo, id, { ...row, doneAt: Date.now() });
  }
  for (const deadline of changes.set) {
    const { id, recovery_id: recoveryId, kind, payload, due_at: dueAt } = deadlineRow(deadline);
    if (cleared.has(recoveryId) || tables.deadlines.get(id) !== undefined) continue;
    tables.deadlines.set(undo, id, { id, recoveryId, kind, payload, dueAt, doneAt: null });
  }
}

function mergeRecovery(known: RecoveryRow, said: RecoveryRow): RecoveryRow {
  return {
    ...known,
    target: said.target ?? known.target,
    target_incarnation: said.target_incarnation ?? known.target_incarnation,
    attempts: Math.max(said.attempts, known.attempts),
    outcome: said.outcome ?? known.outcome,
    reason: said.reason ?? known.reason,
    first_originated_at: bound(Math.min, said.first_originated_at, known.first_originated_at),
    answered_at: bound(Math.max, said.answered_at, known.answered_at),
    joined_at: said.joined_at ?? known.joined_at,
    completed_at: said.completed_at ?? known.completed_at,
  };
}

function mergeLeg(known: LegRow, said: LegRow): LegRow {
  return {
    ...known,
    outcome: said.outcome ?? known.outcome,
    reason: said.outcome === null ? known.reason : said.reason,
    originated_at: said.originated_at ?? known.originated_at,
    answered_at: said.answered_at ?? known.answered_at,
    ended_at: said.ended_at ?? known.ended_at,
  };
}

function bound(of: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return of(a, b);
}

export function simulatedDeadlines(process: Process, postgres: Postgres): DeadlineRows {
  return {
    claim: (now, until, limit) =>
      postgres.transact(process, 'claim deadlines', (tx, { deadlines }) => {
        const due = [...deadlines.entries()]
          .filter(([, row]) => row.doneAt === null && row.dueAt <= now)
          .sort(([, a], [, b]) => a.dueAt - b.dueAt)
          .slice(0, limit);
        return due.map(([id, row]) => {
          deadlines.set(tx.undo, id, { ...row, dueAt: until });
          return { id, recovery_id: row.recoveryId, kind: row.kind, payload: row.payload };
        });
      }),
    done: (ids, now) =>
      postgres.transact(process, 'deadlines done', (tx, { deadlines }) => {
        for (const id of ids) {
          const row = deadlines.get(id);
          if (row !== undefined) deadlines.set(tx.undo, id, { ...row, doneAt: now });
        }
      }),
  };
}

export function simulatedOpenLegs(process: Process, postgres: Postgres): OpenLegs {
  return async (nodeId, incarnation, tx) =>
    tx === undefined
      ? postgres.transact(process, 'read open legs', (_tx, tables) => openIn(tables, nodeId, incarnation))
      : openIn(postgres.tables, nodeId, incarnation);
}

function openIn(tables: Tables, nodeId: string, incarnation: string): OpenLeg[] {
  const closedAt = tables.incarnations.get(keyOf(nodeId, incarnation))?.closedAt ?? null;
  const rows = [...tables.legs.values()];
  const isEnded = (channelId: string | null): boolean => {
    const goneAt = tables.callLegs.get(keyOf(nodeId, incarnation, channelId ?? ''))?.goneAt ?? null;
    return goneAt !== null && goneAt !== closedAt;
  };
  return [...tables.recoveries.values()]
    .filter(
      (one) => one.target === nodeId && one.target_incarnation === incarnation && one.completed_at === null,
    )
    .flatMap(({ recovery_id }): OpenLeg[] => {
      const ours = rows.filter((leg) => leg.recovery_id === recovery_id);
      if (ours.length === 0) return [{ recovery_id, channel_id: null, taken_over: false, ended: false }];
      return ours.map(({ channel_id }) => ({
        recovery_id,
        channel_id,
        taken_over: rows.some(
          (theirs) =>
            theirs.leg_id === channel_id &&
            theirs.recovery_id !== recovery_id &&
            theirs.outcome !== 'skipped',
        ),
        ended: isEnded(channel_id),
      }));
    });
}

export function simulatedDeadTargets(process: Process, postgres: Postgres): DeadTargets {
  return () =>
    postgres.transact(process, 'read dead targets', (_tx, { recoveries, incarnations }) => {
      const found = new Map<string, { nodeId: string; incarnation: string }>();
      for (const { target, target_incarnation: incarnation, outcome } of recoveries.values()) {
        if (target === null || incarnation === null || outcome !== null) continue;
        const key = keyOf(target, incarnation);
        if ((incarnations.get(key)?.closedAt ?? null) !== null)
          found.set(key, { nodeId: target, incarnation });
      }
      return [...found.values()];
    });
}
