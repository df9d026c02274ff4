import type { ControlEvent } from './events.js';
import { massFailureOf, type MassFailureLimit, type NodeDeath } from './mass-failure.js';

/** What holds recovery back as a whole. */
export interface Control {
  readonly stopped: { readonly requestedBy: string; readonly reason: string; readonly at: number } | null;
  readonly massFailure: {
    readonly incidentId: string;
    readonly at: number;
    readonly dead: readonly NodeDeath[];
    readonly nodes: number;
  } | null;
  /** When an operator last let it go on, epoch ms: deaths before that were looked at. Null where nobody ever did. */
  readonly resumedAt: number | null;
}

export const running: Control = { stopped: null, massFailure: null, resumedAt: null };

export type ControlCommand =
  | { readonly type: 'Stop'; readonly requestedBy: string; readonly reason: string; readonly at: number }
  | { readonly type: 'Resume'; readonly requestedBy: string; readonly reason: string; readonly at: number }
  | {
      readonly type: 'NoteDeaths';
      /** Of late, of any node. */
      readonly deaths: readonly NodeDeath[];
      /** The nodes that there are. */
      readonly nodeIds: readonly string[];
      /** Nodes of which another life runs. */
      readonly back: ReadonlySet<string>;
      readonly limit: MassFailureLimit;
      readonly at: number;
    };

/** What happens because of a command; nothing where it is so already. */
export function decideControl(command: ControlCommand, control: Control): ControlEvent[] {
  switch (command.type) {
    case 'Stop': {
      const { requestedBy, reason, at } = command;
      return control.stopped === null ? [{ type: 'RecoveryStopped', requestedBy, reason, at }] : [];
    }
    case 'Resume': {
      const { requestedBy, reason, at } = command;
      const isHeldBack = control.stopped !== null || control.massFailure !== null;
      return isHeldBack ? [{ type: 'RecoveryResumed', requestedBy, reason, at }] : [];
    }
    case 'NoteDeaths': {
      if (control.massFailure !== null) return [];
      const { deaths, nodeIds, back, limit, at } = command;
      const unseen = deaths.filter((death) => death.at > (control.resumedAt ?? 0));
      const dead = massFailureOf(unseen, nodeIds, back, limit);
      if (dead === null) return [];
      const { share, withinMs } = limit;
      const incidentId = `incident-${at}`;
      return [{ type: 'MassFailureDeclared', incidentId, dead, nodes: nodeIds.length, share, withinMs, at }];
    }
  }
}

export function evolveControl(control: Control, event: ControlEvent): Control {
  switch (event.type) {
    case 'RecoveryStopped': {
      const { requestedBy, reason, at } = event;
      return { ...control, stopped: { requestedBy, reason, at } };
    }
    case 'RecoveryResumed':
      return { stopped: null, massFailure: null, resumedAt: event.at };
    case 'MassFailureDeclared': {
      const { incidentId, at, dead, nodes } = event;
      return { ...control, massFailure: { incidentId, at, dead, nodes } };
    }
  }
}
