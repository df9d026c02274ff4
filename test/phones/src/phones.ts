import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '@reinvite/lab';
import { CaptureTail } from './capture/tail.js';
import { Capture } from './capture/tcpdump.js';
import {
  behaviourOf,
  calleeKey,
  contactOf,
  dialledUser,
  groupBy,
  holdOf,
  type CallPlan,
} from './call-plan.js';
import { isOver, nextToHangUp } from './hang-up.js';
import { callsOf, type ObservedCall } from './observed/call.js';
import { SipTrace } from './observed/sip-trace.js';
import { VoiceTrace } from './observed/voice.js';
import { Person, TELL_AGAIN_MS } from './person.js';
import { calleeFile, calleeScenario } from './scenario/callee.js';
import { callerFile, callerScenario } from './scenario/caller.js';
import { PortPlan } from './scenario/ports.js';
import { toneOf } from './scenario/tone.js';
import { Sipp } from './sipp.js';

const LOOK_EVERY_MS = 50;
const FIRST_NUMBER = 10_001;

/** A call with its number, before it is made. */
interface NumberedCall extends CallPlan {
  readonly number: string;
  readonly dialled: string;
}

/** What the phones heard and saw, once the captures are closed. */
export interface Observation {
  readonly calls: readonly ObservedCall[];
  readonly voice: VoiceTrace;
  /** Why the captures cannot be trusted; empty where they can. */
  readonly doubts: readonly string[];
  /** What SIPp complained of, for whoever has to find out why a call failed. */
  readonly complaints: string;
}

/**
 * SIPp phones in the lab's `phones` host, and tcpdump at their interface: what is said of a call is what its phones sent
 * and received, and nothing else.
 */
export class Phones {
  private readonly sipps: Sipp[] = [];
  private readonly ports = new PortPlan();
  private readonly sip: SipTrace;
  private readonly person: Person;
  /** By the calls' numbers. */
  private readonly plans = new Map<string, CallPlan>();
  private reading: Promise<void> = Promise.resolve();

  private constructor(
    private readonly lab: Lab,
    private readonly dir: string,
    private readonly captures: { readonly sip: Capture; readonly rtp: Capture },
    private readonly tail: CaptureTail,
  ) {
    const host = lab.info.hosts.phones?.address ?? '';
    this.sip = new SipTrace(host);
    this.person = new Person(host);
  }

  /** Begins to capture; no phone is there yet. */
  static async start(lab: Lab): Promise<Phones> {
    const dir = `phones-${randomUUID()}`;
    await mkdir(path.join(lab.info.shared, dir));
    await Promise.all(
      (['caller', 'callee'] as const).map((speaker) =>
        writeFile(path.join(lab.info.shared, dir, `${speaker}.ulaw`), toneOf(speaker)),
      ),
    );
    const sip = await Capture.start(lab, 'sip');
    const rtp = await Capture.start(lab, 'rtp');
    return new Phones(lab, dir, { sip, rtp }, await CaptureTail.open(sip.file));
  }

  /**
   * Makes calls; resolves when the phones that are called listen and the callers have begun to dial.
   * @returns the calls' numbers, in order.
   */
  async call(plans: readonly CallPlan[], options: { readonly perSecond?: number } = {}): Promise<string[]> {
    const calls = await this.startCallees(plans);
    const { perSecond = 10 } = options;
    const groups = groupBy(calls, ({ caller }) => JSON.stringify(behaviourOf(caller)));
    for (const group of groups) {
      const ports = this.ports.next();
      const own = `${this.lab.info.hosts.phones?.address ?? ''}:${ports.sip}`;
      await this.startSipp('caller', group.length, ports, {
        scenario: callerScenario(behaviourOf(group[0]?.caller), this.voiceFile('caller')),
        injection: callerFile(
          group.map((call) => ({
            dialled: call.dialled,
            number: call.number,
            contact: contactOf(call.caller, own),
            holdMs: holdOf(call, 'caller'),
            ...(call.node === undefined ? {} : { node: call.node }),
          })),
        ),
        perSecond: Math.max(1, Math.round((perSecond * group.length) / calls.length)),
      });
    }
    return calls.map(({ number }) => number);
  }

  /** One SIPp for the phones of a kind. */
  private async startCallees(plans: readonly CallPlan[]): Promise<NumberedCall[]> {
    const numbered = plans.map((plan, index) => ({
      plan,
      index,
      number: String(FIRST_NUMBER + this.plans.size + index),
    }));
    for (const { plan, number } of numbered) this.plans.set(number, plan);
    const calls: NumberedCall[] = [];
    for (const { plan, index, number } of numbered) {
      if (plan.kind === 'app') calls[index] = { ...plan, number, dialled: dialledUser(plan, number) };
    }
    const groups = groupBy(
      numbered.filter(({ plan }) => plan.kind !== 'app'),
      ({ plan }) => calleeKey(plan),
    );
    for (const group of groups) {
      const ports = this.ports.next();
      const own = `${this.lab.info.hosts.phones?.address ?? ''}:${ports.sip}`;
      await this.startSipp('callee', group.length, ports, {
        scenario: calleeScenario(behaviourOf(group[0]?.plan.callee), this.voiceFile('callee')),
        injection: calleeFile(
          group.map(({ plan }) => ({ contact: contactOf(plan.callee, own), holdMs: holdOf(plan, 'callee') })),
        ),
      });
      for (const { plan, index, number } of group) {
        calls[index] = { ...plan, number, dialled: dialledUser(plan, ports.sip) };
      }
    }
    return calls;
  }

  private async startSipp(
    role: 'caller' | 'callee',
    calls: number,
    ports: ReturnType<PortPlan['next']>,
    what: { readonly scenario: string; readonly injection: string; readonly perSecond?: number },
  ): Promise<void> {
    const name = `${role}-${ports.sip}`;
    this.sipps.push(await Sipp.start(this.lab, this.dir, { name, calls, ports, ...what }));
  }

  private voiceFile(speaker: 'caller' | 'callee'): string {
    return `/lab/${this.dir}/${speaker}.ulaw`;
  }

  /** The calls as the phones' SIP shows them up to now. */
  async look(): Promise<ObservedCall[]> {
    this.reading = this.reading.then(() => this.tail.read((datagram) => this.sip.add(datagram)));
    await this.reading;
    return callsOf(this.sip.calls.values());
  }

  /**
   * Has calls end before their time, each as its plan says: by the caller or the callee, or by one after the other. Resolves when
   * they are over; those that were so before are left alone.
   * @throws Error as {@link until}.
   */
  async hangUp(numbers: readonly string[], options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const ending = new Set(numbers);
    const toldAt = new Map<string, number>();
    await this.until(
      'the phones to hang up',
      async (calls) => {
        const own = calls.filter(({ number }) => ending.has(number));
        for (const call of own) {
          const plan = this.plans.get(call.number);
          const phone = plan === undefined ? undefined : nextToHangUp(call, plan, Date.now());
          if (phone === undefined) continue;
          if (performance.now() - (toldAt.get(phone.callId) ?? -Infinity) < TELL_AGAIN_MS) continue;
          toldAt.set(phone.callId, performance.now());
          await this.person.tell(phone, 'HANGUP');
        }
        return own.length === ending.size && own.every(isOver);
      },
      options,
    );
  }

  /**
   * Looks until the phones have seen something.
   * @throws Error that names `what`, and what SIPp complains of, when `timeoutMs` are over.
   */
  async until(
    what: string,
    seen: (calls: readonly ObservedCall[]) => boolean | Promise<boolean>,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<ObservedCall[]> {
    const { timeoutMs = 60_000, signal } = options;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      const calls = await this.look();
      if (await seen(calls)) return calls;
      if (performance.now() > deadline) {
        throw new Error(
          `waited ${timeoutMs} ms for ${what} in vain. SIPp: ${(await this.complaints()) || 'no complaint'}`,
        );
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  private async complaints(): Promise<string> {
    return (await Promise.all(this.sipps.map((sipp) => sipp.complaints()))).join('').slice(0, 4_000);
  }

  /** Ends phones and captures, and reads what was heard. */
  async stop(): Promise<Observation> {
    const complaints = await this.complaints();
    this.person.close();
    await Promise.all(this.sipps.map((sipp) => sipp.stop()));
    const [sip, rtp] = await Promise.all([this.captures.sip.stop(), this.captures.rtp.stop()]);
    const calls = await this.look();
    await this.tail.close();
    const voice = new VoiceTrace();
    const heard = await CaptureTail.open(this.captures.rtp.file);
    await heard.read((datagram) => voice.add(datagram));
    await heard.close();
    const doubts = [
      ...(sip.dropped + rtp.dropped > 0
        ? [`${sip.dropped} SIP and ${rtp.dropped} RTP packets were not captured`]
        : []),
      ...this.sip.unreadable.map((what) => `unreadable SIP: ${what}`),
    ];
    return { calls, voice, doubts, complaints };
  }
}
