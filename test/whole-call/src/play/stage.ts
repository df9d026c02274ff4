import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '@reinvite/test-command-line';
import type { Case } from '../cases/case.js';
import { endingFaults } from '../judge/dialog.js';
import { promptFaults } from '../judge/prompt.js';
import { hasPassed, type CaseVerdict, type CrashVerdict } from '../judge/verdict.js';
import { countUp, Phones } from '../phone/phones.js';
import { continuationOf } from '../sound/position.js';
import type { PhoneName } from '../sound/sounds.js';
import { onRecord } from './audit.js';
import { CasePlay, type Surroundings } from './case-play.js';
import { crashOf } from './crash.js';
import { until, untilHeard } from './listen.js';
import { FIRST_NODE, SOUNDS } from './names.js';
import { attempt, hasEnded, inGood, isGood, type Part } from './part.js';
import { revive } from './revive.js';

/** Phones that are started at the same time: more of them would wait for each other. */
const AT_ONCE = 4;
const ON_RECORD_MS = 60_000;
const ENDED_MS = 20_000;
const LOOK_EVERY_MS = 250;

/** Calls of several cases at once, and the deaths of the nodes that they are on, one after the other. */
export class Stage {
  private readonly dead = new Set<string>();
  private readonly numbers = countUp();

  constructor(
    private readonly around: Omit<Surroundings, 'phones'>,
    private readonly progress: Progress,
  ) {}

  /** Plays cases from their beginning to their end. */
  async play(cases: readonly Case[]): Promise<CaseVerdict[]> {
    await this.reviveAll();
    const phones = await Phones.start(this.around.lab, (name) => `${SOUNDS}/${name}.ulaw`, this.numbers);
    const parts = cases.map((test): Part => ({
      test,
      play: new CasePlay(test.id, { ...this.around, phones }),
      crashes: [],
      faults: [],
    }));
    try {
      await this.begin(parts);
      await this.crash(FIRST_NODE, parts);
      for (const node of this.nodesOf(parts)) await this.crash(node, parts);
      await this.end(parts);
    } finally {
      await this.clear();
      const lost = await phones.stop();
      if (lost > 0) for (const part of parts) part.faults.push(`${lost} packets were not captured`);
    }
    const verdicts = parts.map((part) => verdictOf(part, phones));
    for (const verdict of verdicts)
      this.progress(`${verdict.id}: ${hasPassed(verdict) ? 'passed' : 'failed'}`);
    return verdicts;
  }

  private async begin(parts: readonly Part[]): Promise<void> {
    const waiting = [...parts];
    const beginNext = async (): Promise<void> => {
      for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
        const { test, play, faults } = part;
        this.progress(`${test.id}: its call is made`);
        await attempt(faults, 'it could not be made', () => test.begin(play));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, beginNext));
    await this.everybodyHears(parts, 'before the crash');
    await this.untilOnRecord(parts);
  }

  private async crash(node: string, parts: readonly Part[]): Promise<void> {
    // A call needs somewhere to go.
    if (this.dead.size > 1) await this.reviveAll();
    this.progress(`${node} dies`);
    this.dead.add(node);
    await crashOf(node, parts, this.around);
  }

  /** What people do after the crashes, and the calls' ends. */
  private async end(parts: readonly Part[]): Promise<void> {
    await this.everybodyHears(
      parts.filter(({ test }) => test.prompt === undefined),
      'in the end',
    );
    await inGood(parts, async ({ test: { id, then }, play, faults }) => {
      if (then === undefined) return;
      this.progress(`${id}: ${then.what}`);
      await attempt(faults, then.what, async () => {
        await then.does(play);
        const heard = await untilHeard(play, then.hears, Date.now());
        faults.push(...heard.faults.map((fault) => `${then.what}: ${fault}`));
      });
    });
    await inGood(parts, hangUp);
    await inGood(parts, ({ test, play, faults }) =>
      attempt(faults, 'afterwards', async () => {
        faults.push(...((await test.after?.(play)) ?? []));
      }),
    );
  }

  /** Everybody hears now what they are to hear before and after each crash. */
  private async everybodyHears(parts: readonly Part[], when: string): Promise<void> {
    await inGood(parts, async ({ test, play, faults }) => {
      const heard = await untilHeard(play, test.hears, Date.now());
      faults.push(...heard.faults.map((fault) => `${when}: ${fault}`));
    });
  }

  private async untilOnRecord(parts: readonly Part[]): Promise<void> {
    const deadline = performance.now() + ON_RECORD_MS;
    const missingOf = ({ play }: Part, known: ReadonlySet<string>): PhoneName[] =>
      play.talking().filter((name) => !known.has(play.callOf(name)?.callId ?? ''));
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

  /** Nodes that the calls are on now, which have been struck once. */
  private nodesOf(parts: readonly Part[]): string[] {
    const nodes = parts
      .filter(isGood)
      .flatMap(({ play }) => play.talking().map((name) => play.nodeOf(name)))
      .filter((node) => node !== '' && !this.dead.has(node));
    return [...new Set(nodes)].sort();
  }

  /** Ends the calls that have not ended as they should, so that they are nobody else's. */
  private async clear(): Promise<void> {
    const { lab, application } = this.around;
    for (const node of Object.keys(lab.info.ari).filter((one) => !this.dead.has(one))) {
      const channels = (await application.ask(node, 'GET', '/channels')) as { id: string }[];
      // One that has ended by itself meanwhile is no fault.
      const ended = channels.map(({ id }) =>
        application.ask(node, 'DELETE', `/channels/${encodeURIComponent(id)}`).catch(() => undefined),
      );
      await Promise.all(ended);
    }
  }

  private async reviveAll(): Promise<void> {
    for (const node of this.dead) await revive(this.around.lab, this.around.application, node);
    this.dead.clear();
  }
}

/** Every phone hangs up that nobody has hung up. */
async function hangUp(part: Part): Promise<void> {
  const { play, faults } = part;
  for (const name of play.names) {
    if (!play.talking().includes(name)) continue;
    await attempt(faults, `${name} cannot hang up`, () => play.hangUp(name));
    await until(play, ENDED_MS, () => hasEnded(part, name));
  }
  await until(play, ENDED_MS, () => play.names.every((name) => hasEnded(part, name)));
  for (const name of play.names) {
    const call = play.callOf(name);
    faults.push(...(call === undefined ? [] : endingFaults(call)).map((fault) => `${name}: ${fault}`));
  }
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
