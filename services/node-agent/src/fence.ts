import type { FactsTold, FenceReply, FenceRequest } from '@reinvite/domain';
import { isCoded, type Logger } from '@reinvite/runtime';
import { flushLastFacts } from './calls/last-facts.js';
import type { AsteriskProcess } from './process/asterisk-process.js';
import { untilOver } from './process/life.js';
import type { Lives } from './process/lives.js';
import { ownProcesses, type Processes } from './process/processes.js';

/** A killed process that has not ended by then hangs in the kernel; whoever asked tries another way. */
const KILL_MS = 4_000;

export interface Fenceable {
  readonly nodeId: string;
  readonly lives: Lives;
  readonly process: Pick<AsteriskProcess, 'ofIncarnation' | 'sighted'>;
  /** Default: those of this machine. */
  readonly processes?: Processes;
  /** Asks Asterisk itself, in every way there is; true only where it has just given a sign of life. The sentinel is told so before this resolves. */
  readonly isWell: () => Promise<boolean>;
  /** Whether nothing listens on ARI's port. */
  readonly nobodyListens: () => Promise<boolean>;
  readonly log: Logger;
}

/**
 * Ends one life of the local Asterisk, and no other; not one that is well, of which only this agent had been silent, unless it
 * was declared down: its calls are elsewhere then. Says `fenced` only when that life is over for certain: we saw it end, we killed
 * it, or there is no Asterisk at all, neither as a process nor on ARI's port.
 */
export async function fence(request: FenceRequest, node: Fenceable): Promise<FenceReply> {
  const { incarnation, requestedBy, declaredDown } = request;
  const { nodeId, lives, log, processes = ownProcesses } = node;
  log.warn({ incarnation, requestedBy, declaredDown }, 'asked to kill Asterisk');
  const no = (reason: string): FenceReply => {
    log.warn({ incarnation, reason }, 'not fenced');
    return { fenced: false, incarnation, reason, lastFactSeq: null };
  };
  if (request.nodeId !== nodeId) return no(`this is node ${nodeId}`);
  const life = lives.current?.info.incarnation === incarnation ? lives.current : lives.ended(incarnation);
  const process = life === undefined ? node.process.ofIncarnation(incarnation) : life.process;
  if (declaredDown !== true && life === lives.current && (await node.isWell()))
    return no('it answers: the agent was silent, not Asterisk');
  if (process === undefined) {
    if (life === undefined && node.process.sighted() === 'dead' && (await node.nobodyListens())) {
      return {
        fenced: true,
        incarnation,
        reason: 'no Asterisk runs here',
        lastFactSeq: null,
        factsComplete: false,
      };
    }
    return no(life === undefined ? 'this life is not known here' : 'its process is not known: no pid file');
  }
  const agoMs = lives.endedAgoMs(incarnation);
  try {
    processes.kill(process);
  } catch (error) {
    return no(isCoded(error) ? error.message : String(error));
  }
  if (!(await untilOver(process, KILL_MS, processes))) return no('killed, but it has not ended');
  lives.look();
  const flushed = life === undefined ? undefined : await flushLastFacts(life.facts);
  log.warn({ incarnation, pid: process.pid }, 'Asterisk is killed');
  const told: FactsTold = {
    lastFactSeq: flushed?.lastSeq ?? null,
    factsComplete: flushed?.complete ?? false,
  };
  return {
    fenced: true,
    incarnation,
    reason: 'its process is gone',
    ...(agoMs === undefined ? {} : { agoMs }),
    ...told,
  };
}
