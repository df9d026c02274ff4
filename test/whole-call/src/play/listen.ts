import { setTimeout as delay } from 'node:timers/promises';
import type { Hears } from '../cases/case.js';
import { Agreement } from '../judge/agreement.js';
import type { CasePlay } from './case-play.js';

/** From a crash, or from what somebody did, until everybody hears what they should. */
const HEARD_MS = 60_000;
const LOOK_EVERY_MS = 250;
/** What arrived so long ago has been written down by tcpdump. */
const WRITTEN_MS = 1_200;

/** Looks at the phones until something is so. @returns whether it came to be. */
export async function until(play: CasePlay, timeoutMs: number, seen: () => boolean): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    await play.around.phones.look();
    if (seen()) return true;
    if (performance.now() > deadline) return false;
    await delay(LOOK_EVERY_MS);
  }
}

/**
 * Until everybody hears what they should, or it is clear that they do not.
 * @param since epoch ms.
 * @param also has to be so too.
 * @returns when it began, epoch ms, undefined where it did not; and who did not hear what in the end.
 */
export async function untilHeard(
  play: CasePlay,
  hears: Hears,
  since: number,
  also: () => boolean = () => true,
): Promise<{ readonly heardAt: number | undefined; readonly faults: readonly string[] }> {
  const agreement = new Agreement(hears, since);
  const { phones } = play.around;
  let heardAt: number | undefined;
  const heard = await until(play, HEARD_MS, () => {
    heardAt ??= agreement.look((name) => phones.heardBy(play.phone(name), since), Date.now() - WRITTEN_MS);
    return heardAt !== undefined && also();
  });
  return { heardAt, faults: heard ? [] : agreement.faults };
}
