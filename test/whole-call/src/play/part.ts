import { byeOf, type Crash } from '@reinvite/test-phones';
import type { Case } from '../cases/case.js';
import { isStruck } from '../judge/dialog.js';
import type { CrashVerdict } from '../judge/verdict.js';
import type { PhoneName } from '../sound/sounds.js';
import type { CasePlay } from './case-play.js';

/** One case in a batch, with what is known of it so far. */
export interface Part {
  readonly test: Case;
  readonly play: CasePlay;
  readonly crashes: (CrashVerdict & { readonly crash: Crash })[];
  readonly faults: string[];
}

/** Nothing is wrong with it so far; what is wrong is not played on. */
export function isGood({ faults, crashes }: Part): boolean {
  return faults.length === 0 && crashes.every((crash) => crash.faults.length === 0);
}

/** Phones of the case that were in their call through the node when it died. */
export function struckPhones({ play }: Part, crash: Crash): PhoneName[] {
  return play.names.filter((name) => {
    const call = play.callOf(name);
    return call !== undefined && isStruck(call, crash);
  });
}

/** The phone's call has ended, and whoever ended it has been answered. */
export function hasEnded({ play }: Part, name: PhoneName): boolean {
  const call = play.callOf(name);
  return call !== undefined && (byeOf(call)?.answer ?? null) !== null;
}

/** What goes wrong with one case is its fault, and no reason not to play the others. */
export async function attempt(faults: string[], what: string, does: () => Promise<void>): Promise<void> {
  try {
    await does();
  } catch (error) {
    faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export async function inGood(parts: readonly Part[], does: (part: Part) => Promise<void>): Promise<void> {
  await Promise.all(parts.filter(isGood).map((part) => does(part)));
}
