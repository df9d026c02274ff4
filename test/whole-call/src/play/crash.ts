import { setTimeout as delay } from 'node:timers/promises';
import { answeredAfter, type Crash } from '@reinvite/test-phones';
import { dialogFaults, isBack } from '../judge/dialog.js';
import { auditSince, notRestoredSince, underWay } from './audit.js';
import type { Surroundings } from './case-play.js';
import { untilHeard } from './listen.js';
import { attempt, isGood, struckPhones, type Part } from './part.js';

const OUTCOME_MS = 60_000;
const LOOK_EVERY_MS = 250;

/** Kills a node; resolves when it is known what became of every call that was on it. */
export async function crashOf(
  node: string,
  parts: readonly Part[],
  { lab, db }: Pick<Surroundings, 'lab' | 'db'>,
): Promise<void> {
  const { at } = await lab.kill(node);
  const crash: Crash = { node, at };
  const struck = parts.filter((part) => isGood(part) && struckPhones(part, crash).length > 0);
  await Promise.all(struck.map((part) => judge(part, crash)));
  const deadline = performance.now() + OUTCOME_MS;
  while ((await underWay(db)) > 0 && performance.now() < deadline) await delay(LOOK_EVERY_MS);
  const audit = await auditSince(db, node, at);
  const lost = await notRestoredSince(db, at);
  for (const { crashes, play } of struck) {
    const last = crashes.pop();
    if (last === undefined) continue;
    const own = new Set(play.names.map((name) => play.callOf(name)?.callId));
    const wrong = audit.filter(({ sipCallId, outcome }) => own.has(sipCallId) && outcome !== 'recovered');
    const faults = wrong.map(
      ({ outcome, reason }) => `the audit says: ${outcome} (${reason ?? 'no reason'})`,
    );
    const ofOwn = lost.filter(({ sipCallIds }) => sipCallIds.some((id) => own.has(id)));
    crashes.push({
      ...last,
      notRestored: [...new Set(ofOwn.map(({ what, reason }) => `${what} (${reason})`))],
      faults: [...last.faults, ...new Set(faults)],
    });
  }
}

/** What the phones of a case see and hear of a crash. */
async function judge(part: Part, crash: Crash): Promise<void> {
  const { play, test, crashes } = part;
  const struck = struckPhones(part, crash);
  const calls = (): (ReturnType<typeof play.callOf> & object)[] =>
    struck.flatMap((name) => play.callOf(name) ?? []);
  const { heardAt, faults } = await untilHeard(play, test.hears, crash.at, () =>
    calls().every((call) => isBack(call, crash)),
  );
  const answered = calls().map((call) => answeredAfter(call, crash.at));
  const answeredMs = answered.includes(null) ? null : Math.max(...answered.map((ms) => ms ?? 0));
  const more: string[] = [];
  if (faults.length === 0) {
    await attempt(more, 'it could not be looked at', async () => {
      more.push(...((await test.look?.(play)) ?? []));
    });
  }
  crashes.push({
    crash,
    node: crash.node,
    answeredMs,
    // Where a phone hears nothing, that is so from the crash on.
    heardMs: heardAt === undefined ? null : Math.max(heardAt - crash.at, answeredMs ?? 0),
    notRestored: [],
    faults: [
      ...play.names.flatMap((name) => {
        const call = play.callOf(name);
        return call === undefined ? [] : dialogFaults(call, crash).map((fault) => `${name}: ${fault}`);
      }),
      ...faults,
      ...more,
    ],
  });
}
