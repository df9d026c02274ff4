import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '@reinvite/lab';
import type { Progress } from '@reinvite/test-command-line';
import { eventually } from '@reinvite/test-support';
import type pg from 'pg';
import type { Case } from '../cases/case.js';
import { expectationOf } from '../cases/expectation.js';
import { namesOf } from '../phone/names.js';
import type { Moment } from '../phone/script.js';
import { Ari } from './ari.js';
import { auditOf, legsUp, underWay } from './audit.js';
import { PhoneProcess } from './phone-process.js';
import { dialString, NODES, placeOf } from './place.js';
import { revive } from './revive.js';
import { hostsOf, type Crash, type Witness } from './witness.js';

/** Phones that are started at the same time: more of them would wait for each other. */
const AT_ONCE = 6;
const SET_UP_MS = 45_000;
/** Until every recovery has its outcome and every phone of one that came back has hung up. */
const OUTCOME_MS = 75_000;
/** How long the phones whose calls did not come back are listened to afterwards: nothing may be sent to them. */
const QUIET_MS = 3_000;
const ON_RECORD_MS = 45_000;
/** Less than the time after which a silent node is suspected. */
const BUSY_MS = 500;
/** Where this process gets no processor itself the node gets none for longer, and may rightly be suspected: that says nothing. */
const TOO_BUSY_MS = 800;
const BUSY_TRIES = 20;
/** Until nobody suspects the node any more. */
const CALM_MS = 2_000;
const LOOK_EVERY_MS = 250;

/** Phones of many cases at once, and the deaths of the nodes that their calls are on. */
export class Stage {
  private made = 0;
  private readonly dead = new Set<string>();

  constructor(
    private readonly lab: Lab,
    private readonly db: pg.Pool,
    private readonly progress: Progress,
  ) {}

  /** Sets up the calls of the cases, kills their node, and listens until there is nothing more to hear. */
  async oneCrash(cases: readonly Case[]): Promise<Witness[]> {
    await this.reviveAll();
    const phones = await this.setUp(cases);
    try {
      const ready = await this.untilReady(phones);
      await this.untilOnRecord(ready);
      if (cases.some(({ extras }) => extras.busy === true)) await this.keepBusy(NODES.other);
      const crash = await this.crash(NODES.dying);
      await this.untilOutcome(phones, ready);
      return await this.witnesses(phones, ready, [crash]);
    } finally {
      await Promise.all(phones.map((phone) => phone.stop()));
    }
  }

  /** The nodes that a call is on die one after the other, each as soon as the call is back. */
  async crashUponCrash(test: Case): Promise<Witness[]> {
    await this.reviveAll();
    const phones = await this.setUp([test]);
    try {
      const ready = await this.untilReady(phones);
      const crashes: Crash[] = [];
      for (let node: string | null = NODES.dying; node !== null;) {
        await this.untilOnRecord(ready);
        crashes.push(await this.crash(node));
        if (crashes.length === test.extras.crashes) break;
        node = await this.untilBack(phones, crashes.length);
        await this.reviveAll();
      }
      await this.untilOutcome(phones, ready);
      return await this.witnesses(phones, ready, crashes);
    } finally {
      await Promise.all(phones.map((phone) => phone.stop()));
    }
  }

  private async crash(node: string): Promise<Crash> {
    const { at } = await this.lab.kill(node);
    this.dead.add(node);
    this.progress(`${node} is dead`);
    return { node, at };
  }

  /** Asterisk gets no processor for a moment, and goes on then as if nothing had been; again, where the moment was too long. */
  private async keepBusy(node: string): Promise<void> {
    for (let tries = 0; tries < BUSY_TRIES; tries += 1) {
      const { at: from } = await this.lab.hang(node);
      await delay(BUSY_MS);
      const { at: to } = await this.lab.heal(node);
      if (to - from <= TOO_BUSY_MS) return;
      await delay(CALM_MS);
    }
    throw new Error(`${node} was never kept busy for less than ${TOO_BUSY_MS} ms`);
  }

  private async reviveAll(): Promise<void> {
    for (const node of this.dead) await revive(this.lab, node);
    this.dead.clear();
  }

  /** @returns the node that the call is on now; null where it has not come back in time. */
  private async untilBack(phones: readonly PhoneProcess[], times: number): Promise<string | null> {
    for (const phone of phones) if (!(await this.reached(phone, 'back', times))) return null;
    await eventually('the recovery to have its outcome', async () => (await underWay(this.db)) === 0);
    const own = new Set(await Promise.all(phones.map(callIdOf)));
    // A node may have had calls of other cases as well, whose phones are gone.
    return (await auditOf(this.db)).findLast(({ sipCallId }) => own.has(sipCallId))?.target ?? null;
  }

  private async witnesses(
    phones: readonly PhoneProcess[],
    ready: ReadonlySet<PhoneProcess>,
    crashes: readonly Crash[],
  ): Promise<Witness[]> {
    const audit = await auditOf(this.db);
    return Promise.all(
      phones.map(async (phone) => {
        const trace = await phone.trace();
        const callId = await callIdOf(phone);
        return {
          test: phone.test,
          hosts: hostsOf(this.lab.info.hosts),
          trace,
          crashes,
          audit: audit.filter(({ sipCallId }) => sipCallId === callId),
          ready: ready.has(phone),
          trouble: phone.trouble,
          complaints: await phone.complaints(),
        };
      }),
    );
  }

  /** Phones in their calls, or on the way there. */
  private async setUp(cases: readonly Case[]): Promise<PhoneProcess[]> {
    const dir = `conformance-${randomUUID()}`;
    await mkdir(path.join(this.lab.info.shared, dir));
    const phones: PhoneProcess[] = [];
    const waiting = [...cases];
    const startNext = async (): Promise<void> => {
      for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
        this.made += 1;
        const place = placeOf(this.lab.info, test, this.made);
        const phone = await PhoneProcess.start(this.lab, dir, test, place);
        phones.push(phone);
        try {
          await this.bringIntoCall(phone);
        } catch (error) {
          // The others are played all the same; this one is judged as what it is, a call that did not come about.
          phone.trouble = String(error);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, startNext));
    return phones;
  }

  private async bringIntoCall(phone: PhoneProcess): Promise<void> {
    const { factors, extras } = phone.test;
    if (factors.phone === 'callee') await this.callPhone(phone);
    const inCall = await this.reached(phone, extras.stage === 'early' ? 'ready' : 'in-call');
    if (inCall && factors.hold === 'us') await this.hold(phone);
  }

  private async callPhone({ test, place }: PhoneProcess): Promise<void> {
    const socket = new RegExp(`:${place.port.toString(16).toUpperCase().padStart(4, '0')} `);
    const tables = ['udp', 'udp6', 'tcp', 'tcp6'].map((table) => `/proc/net/${table}`);
    await eventually(
      `the phone of ${test.id} to listen`,
      async () => socket.test((await this.lab.exec('phones', ['cat', ...tables])).stdout),
      SET_UP_MS,
    );
    const { callerId } = namesOf(test.factors.names, test.id);
    const node = test.extras.elsewhere === true ? NODES.other : NODES.dying;
    await new Ari(this.lab.info, node).call(test.id, dialString(this.lab.info, test, place), callerId);
  }

  private async hold(phone: PhoneProcess): Promise<void> {
    const callId = await callIdOf(phone);
    const ari = new Ari(this.lab.info, NODES.dying);
    await eventually(`the call of ${phone.test.id} to be held`, () => ari.hold(callId), SET_UP_MS);
  }

  /** Whether the phone comes as far as that in time; one that does not is reported, and does not hold up the others. */
  private async reached(phone: PhoneProcess, moment: Moment, times = 1): Promise<boolean> {
    const deadline = performance.now() + SET_UP_MS;
    while (!(await phone.reached(moment, times))) {
      if (phone.hasEnded || performance.now() > deadline) return false;
      await delay(LOOK_EVERY_MS);
    }
    return true;
  }

  private async untilReady(phones: readonly PhoneProcess[]): Promise<ReadonlySet<PhoneProcess>> {
    const states = await Promise.all(
      phones.map(async (phone) => ({ phone, ready: await this.reached(phone, 'ready') })),
    );
    return new Set(states.filter(({ ready }) => ready).map(({ phone }) => phone));
  }

  /**
   * Until Reinvite knows of every leg that is in a call, and of its application; what it does not know by then is noted. What it
   * has not heard yet of the last messages is its own to wait for.
   */
  private async untilOnRecord(ready: ReadonlySet<PhoneProcess>): Promise<void> {
    const deadline = performance.now() + ON_RECORD_MS;
    const wanted = await Promise.all(
      [...ready]
        .filter(({ test }) => test.extras.stage === undefined)
        .map(async (phone) => ({ phone, callId: await callIdOf(phone) })),
    );
    for (;;) {
      const known = await legsUp(this.db);
      const missing = wanted.filter(({ callId }) => known.get(callId)?.app !== 'demo');
      if (missing.length === 0) return;
      if (performance.now() > deadline) {
        for (const { phone, callId } of missing) {
          phone.trouble = `not on record before the crash, but for: ${JSON.stringify(known.get(callId) ?? null)}`;
        }
        return;
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  private async untilOutcome(
    phones: readonly PhoneProcess[],
    ready: ReadonlySet<PhoneProcess>,
  ): Promise<void> {
    const comeBack = phones.filter(
      (phone) => ready.has(phone) && expectationOf(phone.test).outcome === 'recovered',
    );
    const deadline = performance.now() + OUTCOME_MS;
    let quietSince: number | undefined;
    while (performance.now() < deadline) {
      const done = await Promise.all(comeBack.map((phone) => phone.reached('done')));
      const open = await underWay(this.db);
      const missing = done.filter((one) => !one).length;
      this.progress(
        `${missing} of ${done.length} calls are not back and ended yet, ${open} recoveries under way`,
      );
      if (missing === 0 && open === 0) {
        quietSince ??= performance.now();
        if (performance.now() - quietSince > QUIET_MS) return;
      }
      await delay(LOOK_EVERY_MS);
    }
  }
}

/** SIP Call-ID of the phone's call; empty before there is one. */
async function callIdOf(phone: PhoneProcess): Promise<string> {
  return (await phone.trace())[0]?.message.callId ?? '';
}
