import { subjects, type Bus } from '@reinvite/bus';
import type { Alarm, RecoveryEvent } from '@reinvite/domain';
import type { Logger } from '@reinvite/runtime';

export type Raise = (alarm: Omit<Alarm, 'type' | 'details'> & Partial<Pick<Alarm, 'details'>>) => void;

/** Tells whoever listens what a person has to look at, and the log. */
export function raiseOn(bus: Pick<Bus, 'publish'>, log: Logger): Raise {
  return (about) => {
    const alarm: Alarm = { type: 'Alarm', details: {}, ...about };
    const { kind, message, nodeId, callId, details } = alarm;
    log.warn({ alarm: kind, nodeId, callId, ...details }, message);
    bus.publish(subjects.alarm(kind), alarm);
  };
}

/** Reasons that make a call suspect by itself. */
const QUARANTINE: ReadonlySet<string> = new Set(['call-crashes-nodes', 'recovered-too-often']);

/** Raises the alarm for calls that a limit holds back. */
export function watchQuarantine(raise: Raise): (events: readonly RecoveryEvent[]) => void {
  return (events) => {
    for (const event of events) {
      if (event.type !== 'RecoveryHeld' && event.type !== 'RecoveryCompleted') continue;
      const { reason, callId, nodeId, incarnation, recoveryId, at } = event;
      if (reason === null || !QUARANTINE.has(reason)) continue;
      const isHeld = event.type === 'RecoveryHeld';
      raise({
        kind: 'call-quarantined',
        at,
        nodeId,
        incarnation,
        callId,
        message: isHeld
          ? `a call waits for an operator: ${reason}`
          : `a call is not recovered any more: ${reason}`,
        details: { recoveryId, reason, ...(isHeld ? { until: event.until } : {}) },
      });
    }
  };
}
