import {
  CONTROL_STREAM,
  controlEvent,
  nodeEvent,
  recoveryEvent,
  type ControlEvent,
  type NodeEvent,
  type RecoveryEvent,
} from '@reinvite/domain';
import type { z } from 'zod';
import type { StoredRow, Tables } from '../store/tables.js';

export interface Recorded<E> {
  readonly event: E;
  /** When it was committed, epoch ms. */
  readonly recordedAt: number;
  readonly version: number;
}

/** What the store says happened, by stream. */
export interface Audit {
  readonly recoveries: ReadonlyMap<string, readonly Recorded<RecoveryEvent>[]>;
  readonly nodes: ReadonlyMap<string, readonly Recorded<NodeEvent>[]>;
  readonly control: readonly Recorded<ControlEvent>[];
}

const RECOVERY = 'recovery-';
const NODE = 'node-';

export function readAudit({ streams }: Tables): Audit {
  const recoveries = new Map<string, Recorded<RecoveryEvent>[]>();
  const nodes = new Map<string, Recorded<NodeEvent>[]>();
  for (const [streamId, rows] of streams.entries()) {
    if (streamId.startsWith(RECOVERY))
      recoveries.set(streamId.slice(RECOVERY.length), read(rows, recoveryEvent));
    if (streamId.startsWith(NODE)) nodes.set(streamId.slice(NODE.length), read(rows, nodeEvent));
  }
  return { recoveries, nodes, control: read(streams.get(CONTROL_STREAM) ?? [], controlEvent) };
}

function read<E>(rows: readonly StoredRow[], schema: z.ZodType<E>): Recorded<E>[] {
  return rows.map(({ json, recordedAt, version }) => ({
    event: schema.parse(JSON.parse(json)),
    recordedAt,
    version,
  }));
}

/** The death that a channel was commanded for. */
export interface Commanded {
  readonly recoveryId: string;
  readonly nodeId: string;
  readonly incarnation: string;
  /** An operator has asked for it. */
  readonly isRequested: boolean;
}

/** Every channel that was ever commanded, by its id. */
export function commandedChannels({ recoveries }: Audit): ReadonlyMap<string, Commanded> {
  const found = new Map<string, Commanded>();
  for (const [recoveryId, events] of recoveries) {
    const planned = events[0]?.event;
    const isRequested = planned?.type === 'RecoveryPlanned' && planned.trigger.kind === 'request';
    for (const { event } of events) {
      if (event.type !== 'AttemptStarted') continue;
      const { nodeId, incarnation } = event;
      for (const { channelId } of event.legs) {
        found.set(channelId, { recoveryId, nodeId, incarnation, isRequested });
      }
    }
  }
  return found;
}
