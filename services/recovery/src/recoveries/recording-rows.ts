import type { BridgeResume, RecoveryEvent, RecoveryPlanned } from '@reinvite/domain';
import { whatOfRecording } from '@reinvite/domain';

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
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly cut: boolean;
  readonly recovery_id: string;
  readonly call_id: string;
}

/** The parts of recordings that a node's death has cut off, as the plan of the recovery names them. */
export function partsCut(plan: Plan): RecordingRow[] {
  const { nodeId, incarnation, recoveryId, callId, trigger, join } = plan;
  const cutOf = (targetId: string, resume: BridgeResume | undefined): RecordingRow[] =>
    (resume?.recordings ?? []).map(({ from, recording, part, format }) => ({
      node_id: nodeId,
      incarnation,
      target_id: targetId,
      name: from.name,
      recording,
      part: part - 1,
      format,
      started_at: from.startedAt,
      ended_at: trigger.at,
      cut: true,
      recovery_id: recoveryId,
      call_id: callId,
    }));
  return [
    ...plan.legs.flatMap((leg) => cutOf(leg.legId, leg.resume)),
    ...(join.kind === 'ari-bridge' ? cutOf(join.bridgeId, plan.bridgeResume) : []),
  ];
}

/** The parts in which recordings go on, of those that were begun. @param targetIncarnation of the attempt that the event belongs to. */
export function partsBegun(plan: Plan, event: Resumed, targetIncarnation: string): RecordingRow[] {
  const { recoveryId, callId } = plan;
  const isLeg = event.type === 'LegResumed';
  const resume = isLeg ? plan.legs.find((leg) => leg.legId === event.legId)?.resume : plan.bridgeResume;
  const begun = new Set(event.restored);
  return (resume?.recordings ?? [])
    .filter((one) => begun.has(whatOfRecording(one)))
    .map(({ name, recording, part, format }) => ({
      node_id: event.target,
      incarnation: targetIncarnation,
      target_id: isLeg ? event.channelId : event.bridgeId,
      name,
      recording,
      part,
      format,
      started_at: event.at,
      ended_at: null,
      cut: false,
      recovery_id: recoveryId,
      call_id: callId,
    }));
}
