import { setTimeout as delay } from 'node:timers/promises';
import type { AsteriskInfo } from '@reinvite/ari';
import type { CallPicture } from '../calls/picture.js';
import type { FactStream } from '../calls/fact-stream.js';
import { stateOf, type ProcessIdentity } from './proc.js';

/** One incarnation of the local Asterisk, as far as this agent has met it. */
export interface Life {
  readonly info: AsteriskInfo;
  /** Undefined where the pid file does not tell: then its death is never asserted by us. */
  readonly process: ProcessIdentity | undefined;
  readonly picture: CallPicture;
  readonly facts: FactStream;
}

/** Whether a life is over for certain. A process that is dying runs nothing any more and cannot come back. */
export function isOver(life: Life): boolean {
  return life.process !== undefined && stateOf(life.process) !== 'alive';
}

/** Looks until the program runs no more or the time is over. @returns whether it runs no more. */
export async function untilOver(process: ProcessIdentity, timeoutMs: number, everyMs = 5): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; ;) {
    if (stateOf(process) !== 'alive') return true;
    if (performance.now() >= end) return false;
    await delay(everyMs);
  }
}
