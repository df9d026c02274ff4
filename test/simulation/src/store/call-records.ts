import {
  legPlace,
  recoveryOfChannel,
  recoveryStream,
  restoreCall,
  type Call,
  type LegObserved,
  type PastRecovery,
  type RestoredLeg,
} from '@reinvite/domain';
import {
  assertClaimable,
  foldFacts,
  unheardOf,
  type LegRow,
  type RecoveryRow,
  type PlanningReads,
  type UnheardLeg,
} from '@reinvite/recovery/logic';
import type { Process } from '../world/process.js';
import type { Postgres, Transaction } from './server.js';
import { keyOf, type Gone, type Tables } from './tables.js';

const CHECKPOINT = 'call-records';
/** As the queries of the recovery service have it. */
const SURELY_TOLD_MS = 10_000;

/**
 * Writes a batch of call facts and the checkpoint behind it, in one transaction.
 * @returns the sequence up to which the facts are in.
 */
export function projectFacts(
  process: Process,
  postgres: Postgres,
  batch: Parameters<typeof foldFacts>[0],
  upTo: number,
): Promise<number> {
  return postgres.transact(process, `project facts up to ${upTo}`, (tx, tables) => {
    const stored = tables.checkpoints.get(CHECKPOINT) ?? 0;
    if (stored >= upTo) return stored;
    apply(tx, tables, foldFacts(batch.filter(({ seq }) => seq > stored)));
    tables.checkpoints.set(tx.undo, CHECKPOINT, upTo);
    return upTo;
  });
}

/** Sequence up to which the facts are in the call records. */
export function projectedUpTo(process: Process, postgres: Postgres): Promise<number> {
  return postgres.transact(
    process,
    'read checkpoint',
    (_tx, { checkpoints }) => checkpoints.get(CHECKPOINT) ?? 0,
  );
}

function apply({ undo }: Transaction, tables: Tables, changes: ReturnType<typeof foldFacts>): void {
  const { callLegs, callBridges, incarnations } = tables;
  const closedAt = (row: { nodeId: string; incarnation: string }): number | null =>
    incarnations.get(keyOf(row.nodeId, row.incarnation))?.closedAt ?? null;
  for (const row of changes.legs) {
    const key = keyOf(row.nodeId, row.incarnation, row.channelId);
    if ((callLegs.get(key)?.seq ?? 0) < row.factSeq)
      callLegs.set(undo, key, { ...row, seq: row.factSeq, goneAt: row.goneAt ?? closedAt(row) });
  }
  for (const end of changes.legEnds) {
    const key = keyOf(end.nodeId, end.incarnation, end.channelId);
    const row = callLegs.get(key);
    if (row !== undefined && row.seq < end.factSeq)
      callLegs.set(undo, key, { ...row, seq: end.factSeq, goneAt: end.goneAt });
  }
  for (const row of changes.bridges) {
    const key = keyOf(row.nodeId, row.incarnation, row.bridgeId);
    if ((callBridges.get(key)?.seq ?? 0) < row.factSeq)
      callBridges.set(undo, key, { ...row, seq: row.factSeq, goneAt: row.goneAt ?? closedAt(row) });
  }
  for (const end of changes.bridgeEnds) {
    const key = keyOf(end.nodeId, end.incarnation, end.bridgeId);
    const row = callBridges.get(key);
    if (row !== undefined && row.seq < end.factSeq)
      callBridges.set(undo, key, { ...row, seq: end.factSeq, goneAt: end.goneAt });
  }
  for (const { nodeId, incarnation, before, at } of changes.sweeps) {
    const syncing = incarnations.get(keyOf(nodeId, incarnation))?.syncingSeq ?? null;
    const limit = before === 'stored' ? syncing : before;
    const isSwept = (row: LegOrBridge): boolean =>
      row.nodeId === nodeId &&
      row.incarnation === incarnation &&
      row.goneAt === null &&
      limit !== null &&
      row.seq < limit;
    for (const [key, row] of [...callLegs.entries()])
      if (isSwept(row)) callLegs.set(undo, key, { ...row, goneAt: at });
    for (const [key, row] of [...callBridges.entries()])
      if (isSwept(row)) callBridges.set(undo, key, { ...row, goneAt: at });
  }
  for (const { nodeId, incarnation, syncingSeq } of changes.incarnations) {
    const key = keyOf(nodeId, incarnation);
    const known = incarnations.get(key);
    incarnations.set(undo, key, {
      syncingSeq: syncingSeq ?? known?.syncingSeq ?? null,
      closedAt: known?.closedAt ?? null,
    });
  }
}

type LegOrBridge = Gone & Pick<LegObserved, 'nodeId' | 'incarnation'>;

/** What the planning reads, by the same rules as its queries. */
export function simulatedReads(process: Process, postgres: Postgres): PlanningReads {
  return {
    // No application is simulated.
    flows: async () => new Map(),
    liveCalls: (nodeId, incarnation) =>
      postgres.transact(process, 'read live calls', (_tx, { callLegs, callBridges }) => {
        const lives = (row: LegOrBridge): boolean =>
          row.nodeId === nodeId && row.incarnation === incarnation && row.goneAt === null;
        return {
          legs: [...callLegs.values()].filter(lives),
          bridges: [...callBridges.values()].filter(lives),
        };
      }),
    unheard: (nodeId, incarnation) =>
      postgres.transact(process, 'read unheard legs', (_tx, tables) =>
        unheardIn(tables, nodeId, incarnation),
      ),
    remembered: (channelIds) => {
      const ours = new Set(channelIds.filter((channelId) => recoveryOfChannel(channelId) !== null));
      if (ours.size === 0) return Promise.resolve(new Map());
      return postgres.transact(process, 'read remembered legs', (_tx, tables) => rememberedIn(tables, ours));
    },
    planned: (nodeId, incarnation) =>
      postgres.transact(process, 'read planned legs', (_tx, tables) => {
        const own = [...tables.recoveries.values()].filter(
          (row) => row.node_id === nodeId && row.incarnation === incarnation,
        );
        const ids = new Set(own.map((row) => row.recovery_id));
        const legs = [...tables.legs.values()].filter(({ recovery_id }) => ids.has(recovery_id));
        return {
          legIds: new Set([...legs.map((leg) => leg.leg_id), ...handedOn(tables, nodeId, incarnation)]),
          callIds: new Set(own.map((row) => row.call_id)),
        };
      }),
    claim: async (_tx, nodeId, incarnation, claimed) => {
      const { recoveries, legs } = postgres.tables;
      const own = [...recoveries.values()].filter(
        (row) => row.node_id === nodeId && row.incarnation === incarnation,
      );
      const legIds = (recoveryId: string): string[] =>
        [...legs.values()].filter((leg) => leg.recovery_id === recoveryId).map((leg) => leg.leg_id);
      const recorded = new Map(own.map(({ recovery_id: id }) => [id, new Set(legIds(id))]));
      assertClaimable(claimed, recorded, new Set(handedOn(postgres.tables, nodeId, incarnation)));
    },
    past: (calls, since) =>
      postgres.transact(process, 'read past recoveries', (_tx, tables) => pastIn(tables, calls, since)),
    close: async (tx, nodeId, incarnation, at) => {
      const { undo } = tx as unknown as Transaction;
      const { callLegs, callBridges, incarnations } = postgres.tables;
      const key = keyOf(nodeId, incarnation);
      const known = incarnations.get(key);
      incarnations.set(undo, key, { syncingSeq: known?.syncingSeq ?? null, closedAt: known?.closedAt ?? at });
      for (const table of [callLegs, callBridges]) {
        for (const [rowKey, row] of [...table.entries()])
          if (row.nodeId === nodeId && row.incarnation === incarnation && row.goneAt === null)
            table.set(undo, rowKey, { ...row, goneAt: at } as never);
      }
    },
  };
}

/** Channels of ours there with which the recovery that had brought them there goes on elsewhere. */
function handedOn(tables: Tables, nodeId: string, incarnation: string): string[] {
  return [...tables.legs.values()].flatMap(
    ({ recovery_id, leg_id, channel_id, target, attempt, outcome }) => {
      if (channel_id === null) return [];
      const row = tables.callLegs.get(keyOf(nodeId, incarnation, channel_id));
      const recovery = tables.recoveries.get(recovery_id);
      const isTarget = recovery?.target === nodeId && recovery.target_incarnation === incarnation;
      const isThere = (row !== undefined && row.goneAt === null) || (isTarget && target === nodeId);
      if (!isThere) return [];
      const isHandedOn = eventsOf(tables, recovery_id).some(
        (event) =>
          event.type === 'TargetDied' &&
          (event.retaken?.some((leg) => leg.channelId === channel_id) === true ||
            (event.attempt === attempt &&
              outcome !== 'recovered' &&
              event.takenOver?.includes(leg_id) !== true)),
      );
      return isHandedOn ? [channel_id] : [];
    },
  );
}

interface StoredRecoveryEvent {
  readonly type: string;
  readonly target?: string;
  readonly attempt?: number;
  readonly takenOver?: readonly string[];
  readonly retaken?: readonly { readonly channelId: string }[];
}

function eventsOf({ streams }: Tables, recoveryId: string): StoredRecoveryEvent[] {
  const rows = streams.get(recoveryStream(recoveryId)) ?? [];
  return rows.map(({ json }) => JSON.parse(json) as StoredRecoveryEvent);
}

function unheardIn(tables: Tables, nodeId: string, incarnation: string): UnheardLeg[] {
  const rows = [...tables.legs.values()];
  return rows.flatMap((leg) => {
    const { recovery_id, channel_id, leg_id, sip_call_id, endpoint, origin } = leg;
    const recovery = tables.recoveries.get(recovery_id);
    if (channel_id === null || recovery?.target !== nodeId || recovery.target_incarnation !== incarnation)
      return [];
    const heard = tables.callLegs.get(keyOf(nodeId, incarnation, channel_id));
    const closedAt = tables.incarnations.get(keyOf(nodeId, incarnation))?.closedAt ?? null;
    const isClosed = heard !== undefined && heard.goneAt !== null && heard.goneAt === closedAt;
    const isTold = heard !== undefined && !isClosed && (heard.goneAt !== null || heard.state === 'Up');
    const ofRecovery = rows.filter((row) => row.recovery_id === recovery_id);
    const isLatest = (one: LegRow): boolean =>
      ofRecovery.every((row) => row.leg_id !== one.leg_id || row.attempt <= one.attempt);
    const back = Math.max(
      ...ofRecovery
        .filter((row) => row.target === nodeId && isLatest(row))
        .map(({ answered_at }) => answered_at ?? 0),
    );
    const isSurelyTold = [...tables.callLegs.values()].some(
      (row) => row.nodeId === nodeId && row.incarnation === incarnation && row.at > back + SURELY_TOLD_MS,
    );
    if (leg.target !== nodeId || leg.outcome === 'failed' || isTold || back === 0) return [];
    if (!isLatest(leg) || isSurelyTold) return [];
    const [planned] = tables.streams.get(recoveryStream(recovery_id)) ?? [];
    const plan = JSON.parse(planned?.json ?? '{}') as Record<string, unknown>;
    const { originated_at, answered_at } = leg;
    const row = { channel_id, leg_id, sip_call_id, endpoint, origin, originated_at, answered_at, plan };
    return unheardOf(row, nodeId, incarnation);
  });
}

function rememberedIn(tables: Tables, ours: ReadonlySet<string>): ReadonlyMap<string, RestoredLeg> {
  const found = new Map<string, RestoredLeg>();
  for (const leg of tables.legs.values()) {
    const { channel_id: channelId, origin } = leg;
    if (channelId === null || !ours.has(channelId)) continue;
    const place = legPlace.safeParse(origin);
    if (!place.success) continue;
    const recovery = tables.recoveries.get(leg.recovery_id);
    const plan = tables.streams.get(recoveryStream(leg.recovery_id))?.[0];
    const { data } = restoreCall
      .pick({ join: true })
      .safeParse(plan === undefined ? null : JSON.parse(plan.json));
    const join = data?.join.kind === 'ari-bridge' ? data.join : null;
    const { target = null, target_incarnation: life = null, joined_at: joinedAt = null } = recovery ?? {};
    const bridge = tables.callBridges.get(keyOf(target ?? '', life ?? '', join?.bridgeId ?? ''));
    const isTold =
      joinedAt !== null &&
      bridge !== undefined &&
      ((bridge.goneAt ?? -Infinity) >= joinedAt ||
        bridge.channelIds.includes(channelId) ||
        bridge.at > joinedAt + SURELY_TOLD_MS);
    const pending = join === null || isTold ? {} : { pendingJoin: join };
    const { attempt, cseq } = leg;
    const taken =
      recovery === undefined || cseq === null
        ? {}
        : { takenFrom: { nodeId: recovery.node_id, attempt, cseq, goesOn: goesOn(tables, leg, recovery) } };
    found.set(channelId, { callId: leg.call_id, place: place.data, ...pending, ...taken });
  }
  return found;
}

function goesOn(tables: Tables, { recovery_id, leg_id, attempt }: LegRow, { outcome }: RecoveryRow): boolean {
  const isTriedAgain = [...tables.legs.values()].some(
    (row) => row.recovery_id === recovery_id && row.leg_id === leg_id && row.attempt > attempt,
  );
  return outcome === null || isTriedAgain;
}

function pastIn(tables: Tables, calls: readonly Call[], since: number): PastRecovery[] {
  const callIds = new Set(
    calls
      .filter((one) => one.legs.some(({ legId }) => recoveryOfChannel(legId) !== null))
      .map(({ callId }) => callId),
  );
  return [...tables.recoveries.values()]
    .filter((row) => callIds.has(row.call_id) && row.planned_at > since)
    .map((row) => ({
      callId: row.call_id,
      nodeId: row.node_id,
      incarnation: row.incarnation,
      detectedAt: row.detected_at,
      target: row.target,
      targetIncarnation: row.target_incarnation,
      takenAt: row.first_originated_at ?? row.answered_at ?? (row.attempts > 0 ? row.planned_at : null),
      lostTargets: eventsOf(tables, row.recovery_id).filter(
        (event) => event.type === 'TargetDied' && event.target !== row.target,
      ).length,
    }));
}
