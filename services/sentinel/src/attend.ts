import { setTimeout as delay } from 'node:timers/promises';
import { subjects, type Bus } from '@reinvite/bus';
import { heartbeat, processGone, type ProcessGone, type ProcessGoneReply } from '@reinvite/domain';
import { isCoded } from '@reinvite/runtime';
import type { NodeGuard } from './node-guard.js';

/** An agent that gets no answer asks again; the events wait on meanwhile. */
const RECORD_ANSWER_MS = 2_000;

/** Listens to one node's agent. What it says of another node is not for its subject, and is left out. */
export function attend(bus: Bus, nodeId: string, guard: NodeGuard): void {
  bus.subscribe(subjects.heartbeat(nodeId), heartbeat, (beat) => {
    if (beat.nodeId === nodeId) guard.observe({ kind: 'heartbeat', heartbeat: beat });
  });
  bus.respond(
    subjects.processGone(nodeId),
    processGone,
    (gone) => onProcessGone(nodeId, gone, guard),
    notRecorded,
  );
}

async function onProcessGone(nodeId: string, gone: ProcessGone, guard: NodeGuard): Promise<ProcessGoneReply> {
  if (gone.nodeId !== nodeId) return { recorded: false, reason: `this subject is for ${nodeId}` };
  guard.observe({ kind: 'process-gone', gone });
  return (await isRecordedSoon(guard))
    ? { recorded: true, reason: '' }
    : { recorded: false, reason: 'not recorded yet: Postgres does not answer' };
}

/**
 * Whether what was decided of a node is recorded within the time that somebody waits for it; it is recorded later else.
 * @throws as {@link NodeGuard.recorded}.
 */
export async function isRecordedSoon(guard: Pick<NodeGuard, 'recorded'>): Promise<boolean> {
  const answered = new AbortController();
  const late = delay(RECORD_ANSWER_MS, false, { signal: answered.signal }).catch(() => false);
  try {
    return await Promise.race([late, guard.recorded().then(() => true)]);
  } finally {
    answered.abort();
  }
}

function notRecorded(error: unknown): ProcessGoneReply {
  return { recorded: false, reason: isCoded(error) ? error.message : 'not recorded' };
}
