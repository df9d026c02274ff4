import { setTimeout as delay } from 'node:timers/promises';
import { startLab, type Lab } from '@reinvite/lab';
import {
  answeredAfter,
  disturbed,
  eligibleCalls,
  isTalkingAt,
  byeOf,
  judge,
  nodeAt,
  phonesOf,
  Phones,
  startDemoApp,
  type Crash,
  type ObservedCall,
} from '@reinvite/test-phones';
import { readAudit } from './audit.js';
import { programmeOf, type Programme } from './calls.js';
import type { DemoOptions } from './options.js';
import { summarize, type Summary } from './summary.js';

const ESTABLISH_TIMEOUT_MS = 30_000;
/** The calls talk undisturbed before the node dies. */
const SETTLE_MS = 2_000;
const RECOVERY_TIMEOUT_MS = 10_000;
/** After the last phone has hung up: time for the answers. */
const END_TIMEOUT_MS = 10_000;

/** Says how far a step is; called often. */
export type Progress = (line: string) => void;

/** The demo step by step; every step leaves what the next one needs. */
export class Stage {
  private readonly programme: Programme;
  private lab: Lab | undefined;
  private phones: Phones | undefined;
  private startedAt = 0;
  crash: Crash = { node: '', at: 0 };
  /** What SIPp had to say, for whoever has to find out why a call failed. */
  complaints = '';

  constructor(
    private readonly options: DemoOptions,
    private readonly signal: AbortSignal,
  ) {
    this.programme = programmeOf(options.calls);
  }

  async raise(progress: Progress): Promise<void> {
    const { nodes, billing } = this.options;
    this.lab = await startLab({ nodes, billing, onProgress: progress, signal: this.signal });
    progress('the ARI application of the calls');
    await startDemoApp(this.lab);
  }

  /** Every call is made, and every phone of it talks. */
  async makeCalls(progress: Progress): Promise<void> {
    this.phones = await Phones.start(this.need(this.lab));
    this.startedAt = Date.now();
    await this.phones.call(this.programme.plans, { perSecond: this.programme.perSecond });
    await this.phones.until(
      'all calls to be established',
      (calls) => {
        const talking = calls.filter((call) => isInProgress(call)).length;
        progress(`${talking} of ${this.options.calls} calls in progress`);
        return talking === this.options.calls;
      },
      {
        timeoutMs: (this.options.calls / this.programme.perSecond) * 1_000 + ESTABLISH_TIMEOUT_MS,
        signal: this.signal,
      },
    );
    await delay(SETTLE_MS, undefined, { signal: this.signal });
  }

  /** SIGKILL for the Asterisk with the most calls. */
  async kill(progress: Progress): Promise<void> {
    const calls = await this.need(this.phones).look();
    const byNode = countByNode(calls);
    const [fullest] = byNode;
    if (fullest === undefined) throw new Error('no call is in progress');
    const { at } = await this.need(this.lab).kill(fullest[0]);
    this.crash = { node: fullest[0], at };
    progress(`${byNode.map(([name, count]) => `${name}: ${count}`).join(', ')} calls; ${fullest[0]} is dead`);
  }

  /** Until every phone of the dead node has answered a re-INVITE, or it is clear that some will not. */
  async watchRecovery(progress: Progress): Promise<void> {
    const deadline = Date.now() + RECOVERY_TIMEOUT_MS;
    await this.need(this.phones).until(
      'the re-INVITEs',
      (calls) => {
        const phones = eligibleCalls(calls, this.crash)
          .flatMap((call) => phonesOf(call))
          .filter((phone) => isTalkingAt(phone, this.crash.at));
        const times = phones.flatMap((phone) => answeredAfter(phone, this.crash.at) ?? []);
        const first = times.length === 0 ? '' : `; the first after ${Math.round(Math.min(...times))} ms`;
        progress(`${times.length} of ${phones.length} phones are back on another node${first}`);
        return times.length === phones.length || Date.now() > deadline;
      },
      { timeoutMs: 2 * RECOVERY_TIMEOUT_MS, signal: this.signal },
    );
  }

  /** Every phone hangs up by itself, or is hung up by the other one. */
  async watchHangUps(progress: Progress): Promise<void> {
    const deadline = this.startedAt + this.programme.lastHangUpMs + END_TIMEOUT_MS;
    await this.need(this.phones).until(
      'the phones to hang up',
      (calls) => {
        const ended = calls.filter((call) =>
          phonesOf(call).every((phone) => (byeOf(phone)?.answer ?? null) !== null),
        ).length;
        progress(`${ended} of ${calls.length} calls have ended`);
        return ended === calls.length || Date.now() > deadline;
      },
      { timeoutMs: this.programme.lastHangUpMs + 2 * END_TIMEOUT_MS, signal: this.signal },
    );
  }

  /** What the phones saw, against what the audit says. */
  async sumUp(): Promise<Summary> {
    const { calls, voice, doubts, complaints } = await this.need(this.phones).stop();
    const { crash } = this;
    const audit = await readAudit(this.need(this.lab).info.postgres, crash.node, crash.at);
    const verdicts = judge(calls, crash, voice);
    const missing = this.options.calls - calls.length;
    const besides = [
      ...doubts,
      ...disturbed(calls, crash),
      ...(missing === 0 ? [] : [`${missing} calls were never seen`]),
      ...unended(calls, new Set(verdicts.map(({ number }) => number))),
    ];
    this.complaints = complaints;
    return summarize({ crash, verdicts, audit, besides });
  }

  async strike(): Promise<void> {
    const { lab } = this;
    this.lab = undefined;
    await lab?.down();
  }

  private need<T>(part: T | undefined): T {
    if (part === undefined) throw new Error('a step of the demo was left out');
    return part;
  }
}

/** Both phones of a pair talk. */
function isInProgress(call: ObservedCall): boolean {
  const wanted = call.kind === 'app' ? 1 : 2;
  return phonesOf(call).filter((phone) => isTalkingAt(phone, Infinity)).length === wanted;
}

/** Calls in progress by node, the fullest first. */
function countByNode(calls: readonly ObservedCall[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const call of calls.filter((one) => isInProgress(one))) {
    const node = nodeAt(call.caller, Infinity);
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** Calls that the crash did not concern and that did not end as they should. */
function unended(calls: readonly ObservedCall[], eligible: ReadonlySet<string>): string[] {
  return calls
    .filter(
      (call) =>
        !eligible.has(call.number) && !phonesOf(call).every((phone) => byeOf(phone)?.answer?.status === 200),
    )
    .map((call) => `${call.kind} ${call.number} on another node did not end well`);
}
