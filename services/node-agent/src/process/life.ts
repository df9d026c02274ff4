import { setTimeout as delay } from 'node:timers/promises';
import type { AsteriskInfo } from '@reinvite/ari';
import type { CallPicture } from '../calls/picture.js';
import type { FactStream } from '../calls/fact-stream.js';
import type { ProcessIdentity } from './proc.js';
import { ownProcesses, type Processes } from './processes.js';

/** One incarnation of the local Asterisk, as far as this agent has met it. */
export interface Life {
  readonly info: AsteriskInfo;
  /** Undefined where the pid file does not tell: then its death is never asserted by us. */
  readonly process: ProcessIdentity | undefined;
  readonly picture: CallPicture;
  readonly facts: FactStream;
}

/** Whether a life is over for certain. A process that is dying runs nothing any more and cannot come back. */
export function isOver(life: Life, processes: Pick<Processes, 'stateOf'> = ownProcesses): boolean {
  return life.process !== undefined && processes.stateOf(life.process) !== 'alive';
}

const LOOK_MS = 5;

/** Looks until the program runs no more or the time is over. @returns whether it runs no more. */
export async function untilOver(
  process: ProcessIdentity,
  timeoutMs: number,
  processes: Pick<Processes, 'stateOf'> = ownProcesses,
): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; ;) {
    if (processes.stateOf(process) !== 'alive') return true;
    if (performance.now() >= end) return false;
    await delay(LOOK_MS);
  }
}
