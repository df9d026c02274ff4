import { setTimeout as delay } from 'node:timers/promises';
import { answeredAfter, byeOf, type Crash } from '@reinvite/test-phones';
import type { Case, Hears } from '../cases/case.js';
import { Agreement } from '../judge/agreement.js';
import { dialogFaults, endingFaults, isBack, isStruck } from '../judge/dialog.js';
import { promptFaults } from '../judge/prompt.js';
import type { CaseVerdict, CrashVerdict } from '../judge/verdict.js';
import { Phones } from '../phone/phones.js';
import { continuationOf } from '../sound/position.js';
import type { PhoneName } from '../sound/sounds.js';
import { auditSince, onRecord, underWay } from './audit.js';
import { CasePlay, type Surroundings } from './case-play.js';
import { FIRST_NODE, SOUNDS } from './names.js';
import { revive } from './revive.js';

/** Phones that are started at the same time: more of them would wait for each other. */
const AT_ONCE = 4;
const ON_RECORD_MS = 15_000;
/** From a crash, or from what somebody did, until everybody hears what they should. */
const HEARD_MS = 15_000;
const OUTCOME_MS = 20_000;
const ENDED_MS = 5_000;
const LOOK_EVERY_MS = 250;
/** What arrived so long ago has been written down by tcpdump. */
const WRITTEN_MS = 1_200;

/** Says how far the play is. */
export type Progress = (line: string) => void;

/** One case in a batch, with what is known of it so far. */
interface Part {
  readonly test: Case;
  readonly play: CasePlay;
  readonly crashes: (CrashVerdict & { readonly crash: Crash })[];
  readonly faults: string[];
}

/** Calls of several cases at once, and the deaths of the nodes that they are on, one after the other. */
export class Stage {
  private readonly dead = new Set<string>();

  constructor(
    private readonly around: Omit<Surroundings, 'phones'>,
    private readonly progress: Progress,
  ) {}

  /** Plays cases from their beginning to their end. */
  async play(cases: readonly Case[]): Promise<CaseVerdict[]> {
    await this.reviveAll();
    const phones = await Phones.start(this.around.lab, (name) => `${SOUNDS}/${name}.ulaw`);
    const parts = cases.map((test): Part => ({
      test,
      play: new CasePlay(test.id, { ...this.around, phones }),
      crashes: [],
      faults: [],
    }));
    try {
      await this.begin(parts);
      await this.crash(FIRST_NODE, parts);
      for (const node of this.nodesOf(parts)) {
        await this.crash(node, parts);
      }
      await this.end(parts);
    } finally {
      const lost = await phones.stop();
      if (lost > 0) for (const part of parts) part.faults.push(`${lost} packets were not captured`);
    }
    return parts.map((part) => verdictOf(part, phones));
  }

  private async begin(parts: readonly Part[]): Promise<void> {
    const waiting = [...parts];
    const beginNext = async (): Promise<void> => {
      for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
        this.progress(`${part.test.id}: its call is made`);
        await this.attempt(part, 'it could not be made', () => part.test.begin(part.play));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, beginNext));
    await this.inGood(parts, async (part) => {
      const { faults } = await this.untilHeard(part, part.test.hears, Date.now());
      part.faults.push(...faults.map((fault) => `before the crash: ${fault}`));
    });
    await this.untilOnRecord(parts);
  }

  /** Kills a node; resolves when it is known what became of every call that was on it. */
  private async crash(node: string, parts: readonly Part[]): Promise<void> {
    if (this.dead.size > 1) await this.reviveAll();
    const { at } = await this.around.lab.kill(node);
    this.dead.add(node);
    this.progress(`${node} is dead`);
    const struck = parts.filter(
      (part) => isGood(part) && part.play.names.some((name) => isStruckPhone(part.play, name, { node, at })),
    );
    await Promise.all(struck.map((part) => this.judge(part, { node, at })));
    await this.untilOutcome();
    const audit = await auditSince(this.around.db, node, at);
    for (const part of struck) {
      const last = part.crashes.pop();
      if (last === undefined) continue;
      const own = new Set(part.play.names.map((name) => part.play.callOf(name)?.callId));
      const wrong = audit.filter(({ sipCallId, outcome }) => own.has(sipCallId) && outcome !== 'recovered');
      const faults = wrong.map(
        ({ outcome, reason }) => `the audit says: ${outcome} (${reason ?? 'no reason'})`,
      );
      part.crashes.push({ ...last, faults: [...last.faults, ...new Set(faults)] });
    }
  }

  private async judge(part: Part, crash: Crash): Promise<void> {
    const { play, test } = part;
    const struck = play.names.filter((name) => isStruckPhone(play, name, crash));
    const { heardAt, faults } = await this.untilHeard(part, test.hears, crash.at, () =>
      struck.every((name) => {
        const call = play.callOf(name);
        return call !== undefined && isBack(call, crash);
      }),
    );
    const answered = struck.map((name) => {
      const call = play.callOf(name);
      return call === undefined ? null : answeredAfter(call, crash.at);
    });
    const more: string[] = [];
    if (faults.length === 0 && test.look !== undefined) {
      await this.attempt({ faults: more }, 'it could not be looked at', async () => {
        more.push(...((await test.look?.(play)) ?? []));
      });
    }
    part.crashes.push({
      crash,
      node: crash.node,
      answeredMs: answered.includes(null) ? null : Math.max(...answered.map((ms) => ms ?? 0)),
      heardMs: heardAt === undefined ? null : heardAt - crash.at,
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

  /** What people do after the crashes, and the calls' ends. */
  private async end(parts: readonly Part[]): Promise<void> {
    await this.inGood(parts, async (part) => {
      const { then } = part.test;
      if (then === undefined) return;
      this.progress(`${part.test.id}: ${then.what}`);
      await this.attempt(part, then.what, () => then.does(part.play));
      if (!isGood(part)) return;
      const { faults } = await this.untilHeard(part, then.hears, Date.now());
      part.faults.push(...faults.map((fault) => `${then.what}: ${fault}`));
    });
    await this.inGood(parts, (part) => this.hangUp(part));
    await this.inGood(parts, async (part) => {
      await this.attempt(part, 'afterwards', async () => {
        part.faults.push(...((await part.test.after?.(part.play)) ?? []));
      });
    });
  }

  /** Every phone hangs up that nobody has hung up. */
  private async hangUp(part: Part): Promise<void> {
    const { play } = part;
    for (const name of play.names) {
      if (!play.talking().includes(name)) continue;
      await play.person(name, 'HANGUP');
      await this.until(ENDED_MS, () => hasEnded(play, name), play);
    }
    await this.until(ENDED_MS, () => play.names.every((name) => hasEnded(play, name)), play);
    for (const name of play.names) {
      const call = play.callOf(name);
      part.faults.push(...(call === undefined ? [] : endingFaults(call)).map((fault) => `${name}: ${fault}`));
    }
  }

  /** Until everybody hears what they should, or it is clear that they do not. */
  private async untilHeard(
    { play }: Part,
    hears: Hears,
    since: number,
    also: () => boolean = () => true,
  ): Promise<{ heardAt: number | undefined; faults: readonly string[] }> {
    const agreement = new Agreement(hears, since);
    const { phones } = play.around;
    let heardAt: number | undefined;
    const heard = await this.until(
      HEARD_MS,
      () => {
        heardAt ??= agreement.look(
          (name) => phones.heardBy(play.phone(name), since),
          Date.now() - WRITTEN_MS,
        );
        return heardAt !== undefined && also();
      },
      play,
    );
    return { heardAt, faults: heard ? [] : agreement.faults };
  }

  private async untilOnRecord(parts: readonly Part[]): Promise<void> {
    const deadline = performance.now() + ON_RECORD_MS;
    const missingOf = (part: Part, known: ReadonlySet<string>): PhoneName[] =>
      part.play.talking().filter((name) => !known.has(part.play.callOf(name)?.callId ?? ''));
    for (;;) {
      const known = await onRecord(this.around.db);
      const missing = parts.filter((part) => isGood(part) && missingOf(part, known).length > 0);
      if (missing.length === 0) return;
      if (performance.now() > deadline) {
        for (const part of missing) {
          part.faults.push(`not on record before the crash: ${missingOf(part, known).join(', ')}`);
        }
        return;
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  private async untilOutcome(): Promise<void> {
    const deadline = performance.now() + OUTCOME_MS;
    while ((await underWay(this.around.db)) > 0 && performance.now() < deadline) await delay(LOOK_EVERY_MS);
  }

  /** Nodes that the calls are on now, which have been struck once. */
  private nodesOf(parts: readonly Part[]): string[] {
    const nodes = parts
      .filter(isGood)
      .flatMap(({ play }) => play.talking().map((name) => play.nodeOf(name)))
      .filter((node) => node !== '' && !this.dead.has(node));
    return [...new Set(nodes)].sort();
  }

  private async reviveAll(): Promise<void> {
    for (const node of this.dead) await revive(this.around.lab, this.around.application, node);
    this.dead.clear();
  }

  private async inGood(parts: readonly Part[], does: (part: Part) => Promise<void>): Promise<void> {
    await Promise.all(parts.filter(isGood).map((part) => does(part)));
  }

  /** Looks until something is so. @returns whether it came to be. */
  private async until(timeoutMs: number, seen: () => boolean, { around }: CasePlay): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      await around.phones.look();
      if (seen()) return true;
      if (performance.now() > deadline) return false;
      await delay(LOOK_EVERY_MS);
    }
  }

  /** What goes wrong with one case is its fault, and no reason not to play the others. */
  private async attempt(
    part: { readonly faults: string[] },
    what: string,
    does: () => Promise<void>,
  ): Promise<void> {
    try {
      await does();
    } catch (error) {
      part.faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function isGood({ faults, crashes }: Part): boolean {
  return faults.length === 0 && crashes.every((crash) => crash.faults.length === 0);
}

function hasEnded(play: CasePlay, name: PhoneName): boolean {
  const call = play.callOf(name);
  return call !== undefined && (byeOf(call)?.answer ?? null) !== null;
}

function isStruckPhone(play: CasePlay, name: PhoneName, crash: Crash): boolean {
  const call = play.callOf(name);
  return call !== undefined && isStruck(call, crash);
}

function verdictOf({ test, play, crashes, faults }: Part, phones: Phones): CaseVerdict {
  const { id, title, prompt } = test;
  return {
    id,
    title,
    faults,
    crashes: crashes.map(({ crash, ...verdict }): CrashVerdict => {
      if (prompt === undefined) return verdict;
      const continuation = continuationOf(phones.heardBy(play.phone(prompt), 0), crash.at);
      return {
        ...verdict,
        ...(continuation === null ? {} : { prompt: continuation }),
        faults: [...verdict.faults, ...promptFaults(continuation)],
      };
    }),
  };
}
