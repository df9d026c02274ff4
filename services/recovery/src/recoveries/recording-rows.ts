import {
  recordingsAt,
  whatOfRecording,
  type BridgeResume,
  type PlannedLeg,
  type RecordingResume,
  type RecoveryEvent,
  type RecoveryPlanned,
} from '@reinvite/domain';

type Plan = Omit<RecoveryPlanned, 'type'>;
type Resumed = Extract<RecoveryEvent, { type: 'LegResumed' | 'BridgeResumed' }>;

/** A row of `recordings`, by the names of its columns; times are epoch ms. */
export interface RecordingRow {
  readonly node_id: string;
  readonly incarnation: string;
  readonly target_id: string;
  readonly name: string;
  readonly recording: string;
  readonly part: number;
  readonly format: string;
  readonly kind: 'ari' | 'mixmonitor';
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly cut: boolean;
  readonly recovery_id: string;
  readonly call_id: string;
}

/** The parts of recordings that a node's death has cut off, as the plan of the recovery names them. */
export function partsCut(plan: Plan): RecordingRow[] {
  const { nodeId, incarnation, recoveryId, callId, trigger, join } = plan;
  const cutOf = (targetId: string, recordings: readonly Recording[]): RecordingRow[] =>
    recordings.map(({ from, recording, part, format, kind }) => ({
      node_id: nodeId,
      incarnation,
      target_id: targetId,
      name: from.name,
      recording,
      part: part - 1,
      format,
      kind,
      started_at: from.startedAt,
      ended_at: trigger.at,
      cut: true,
      recovery_id: recoveryId,
      call_id: callId,
    }));
  return [
    ...plan.legs.flatMap((leg) => cutOf(leg.legId, recordingsOf(leg))),
    ...(join.kind === 'ari-bridge' ? cutOf(join.bridgeId, byAri(plan.bridgeResume)) : []),
  ];
}

/** The parts in which recordings go on, of those that were begun. @param targetIncarnation of the attempt that the event belongs to. */
export function partsBegun(plan: Plan, event: Resumed, targetIncarnation: string): RecordingRow[] {
  const { recoveryId, callId } = plan;
  const isLeg = event.type === 'LegResumed';
  const recordings = isLeg
    ? plan.legs.filter(({ legId }) => legId === event.legId).flatMap(recordingsOf)
    : byAri(plan.bridgeResume);
  const begun = new Set(event.restored);
  return recordings
    .filter((one) => begun.has(whatOfRecording(one)))
    .map(({ name, recording, part, format, kind }) => ({
      node_id: event.target,
      incarnation: targetIncarnation,
      target_id: isLeg ? event.channelId : event.bridgeId,
      name,
      recording,
      part,
      format,
      kind,
      started_at: event.at,
      ended_at: null,
      cut: false,
      recovery_id: recoveryId,
      call_id: callId,
    }));
}

type Recording = RecordingResume & Pick<RecordingRow, 'kind'>;

/** Those that ARI had begun, and those of the dialplan. */
function recordingsOf({ place, resume }: PlannedLeg): Recording[] {
  return [...byAri(resume), ...recordingsAt(place).map((one): Recording => ({ ...one, kind: 'mixmonitor' }))];
}

function byAri(resume: BridgeResume | undefined): Recording[] {
  return (resume?.recordings ?? []).map((one) => ({ ...one, kind: 'ari' }));
}
