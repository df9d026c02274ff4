import { randomUUID } from 'node:crypto';
import { subjects, type Bus } from '@reinvite/bus';
import { leaseReply, type LeaseReply, type LeaseRequest } from '@reinvite/domain';
import { codedError, type Logger } from '@reinvite/runtime';
import type { ProcessIdentity } from '../process/proc.js';
import { ownProcesses, type Processes } from '../process/processes.js';
import { leaseFile, monotonicMs, type LeaseRecord, type LeaseStore } from './lease-file.js';
import { spawnGuard, type StartedGuard, type StartGuard } from './spawn-guard.js';

/** So many requests go out in the time of one lease: nine of them may be lost. */
const RENEWALS = 10;
const GUARD_AGAIN_MS = 200;

export interface TenantOptions {
  readonly nodeId: string;
  readonly leaseMs: number;
  readonly file: string;
  readonly bus: Pick<Bus, 'requestMany'>;
  /** The life that runs now, with its process; undefined where there is none that could be killed. */
  readonly life: () => { readonly incarnation: string; readonly process: ProcessIdentity } | undefined;
  readonly log: Logger;
  /** What it works on; default: this machine. */
  readonly machine?: LeaseMachine;
}

/** What a lease is held on. */
export interface LeaseMachine {
  readonly store: LeaseStore;
  readonly processes: Processes;
  readonly startGuard: StartGuard;
  /** Ms, of the clock that the guard reads too. */
  readonly mono: () => number;
}

/**
 * Holds the lease of the local Asterisk: it may live for as long as more than half of the sentinels were heard of lately. The
 * order of the steps is what docs/detection.md proves with:
 *
 * 0. What stands in the file holds until this agent holds a lease itself or a majority has taken it back: an agent that starts
 *    again forgets no lease of before, and the guard of before ends only when the new one looks.
 * 1. A guard looks before the first lease is asked for.
 * 2. The end of a lease counts from before it was asked for, and the first one is written down before it is asked for.
 * 3. A later one is written down after it was granted.
 */
export class Tenant {
  private readonly guardName: string = randomUUID();
  private guard: StartedGuard | undefined;
  private guardIsReady = false;
  /** A lease of the agent before this one, until its life is known or another takes its place. */
  private inherited: NonNullable<LeaseRecord['lease']> | undefined;
  private sentinels = 1;
  /** The life that has a lease, and its end. */
  private held: { readonly incarnation: string; readonly untilMs: number } | undefined;
  private renewing = false;
  private stopped = false;
  private readonly timer: NodeJS.Timeout;
  private readonly machine: LeaseMachine;

  constructor(private readonly options: TenantOptions) {
    this.machine = options.machine ?? {
      store: leaseFile(options.file),
      processes: ownProcesses,
      startGuard: spawnGuard,
      mono: monotonicMs,
    };
    this.inherit();
    this.startGuard();
    const { log, leaseMs } = options;
    const failed = (err: unknown): void => log.error({ err }, 'the lease was not renewed');
    this.timer = setInterval(() => void this.renew().catch(failed), leaseMs / RENEWALS);
  }

  /** Kills an Asterisk whose lease is over. The guard does so too; whoever is first. To be called every few ms. */
  look(): void {
    const { held } = this;
    if (held === undefined || this.machine.mono() < held.untilMs) return;
    this.end(held.incarnation, 'no sentinel has renewed the lease: Asterisk is killed');
  }

  /** Gives the lease up, so that nothing is killed while no agent runs. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopped = true;
    this.adopt(this.options.life());
    const { held, inherited } = this;
    if (inherited !== undefined && this.machine.processes.stateOf(inherited) !== 'gone') {
      this.options.log.error('the lease of the agent before could not be given up: it holds');
      return;
    }
    if (held !== undefined && !this.isMajority(await this.ask(held.incarnation, 0), 'released')) {
      const leftMs = Math.round(held.untilMs - this.machine.mono());
      this.options.log.error(
        { leftMs },
        'the lease could not be given up: Asterisk is killed when it runs out, unless an agent runs by then',
      );
      return;
    }
    this.machine.store.remove();
  }

  private async renew(): Promise<void> {
    const life = this.options.life();
    if (this.renewing || this.stopped || life === undefined || !this.guardIsReady) return;
    this.renewing = true;
    try {
      this.adopt(life);
      const { incarnation } = life;
      if (this.held?.incarnation !== incarnation && !(await this.begin(life))) return;
      const askedAt = this.machine.mono();
      const replies = await this.ask(incarnation, this.options.leaseMs);
      if (replies.some(({ status }) => status === 'refused')) {
        this.end(incarnation, 'this life was declared down: Asterisk is killed');
      } else if (!this.stopped && this.isMajority(replies, 'granted')) {
        this.hold(life, askedAt + this.options.leaseMs);
      }
    } finally {
      this.renewing = false;
    }
  }

  /** A node that finds no majority at all has nothing to lose yet: it takes no lease until there is one. */
  private async begin(life: NonNullable<ReturnType<TenantOptions['life']>>): Promise<boolean> {
    if (!this.isMajority(await this.ask(life.incarnation, 0), 'released') || this.stopped) return false;
    this.hold(life, this.machine.mono() + this.options.leaseMs);
    this.options.log.info(
      { incarnation: life.incarnation, leaseMs: this.options.leaseMs },
      'holding a lease',
    );
    return true;
  }

  private hold({ incarnation, process }: { incarnation: string; process: ProcessIdentity }, untilMs: number) {
    this.write(process, untilMs);
    this.held = { incarnation, untilMs };
    this.inherited = undefined;
  }

  /** Takes over what stands in the file; the guard of before has the watch until the new one looks. */
  private inherit(): void {
    const before = this.onFile('read', () => this.machine.store.read());
    this.inherited = before?.lease ?? undefined;
    this.write(this.inherited, this.inherited?.untilMs ?? 0, before?.guard);
  }

  /** The lease of before goes on where the life that runs is the one that has it. */
  private adopt(life: ReturnType<TenantOptions['life']>): void {
    const { inherited } = this;
    if (inherited === undefined || life === undefined) return;
    const { pid, startTicks } = life.process;
    if (pid !== inherited.pid || startTicks !== inherited.startTicks) return;
    this.held = { incarnation: life.incarnation, untilMs: inherited.untilMs };
    this.inherited = undefined;
  }

  private end(incarnation: string, why: string): void {
    const { life, log } = this.options;
    this.held = undefined;
    const current = life();
    if (current?.incarnation !== incarnation) return;
    log.fatal({ incarnation, pid: current.process.pid }, why);
    try {
      this.machine.processes.kill(current.process);
    } catch (err) {
      // The guard tries on.
      log.fatal({ err, incarnation }, 'Asterisk could not be killed');
    }
  }

  private async ask(incarnation: string, leaseMs: number): Promise<readonly LeaseReply[]> {
    const { bus, nodeId } = this.options;
    const request: LeaseRequest = { type: 'LeaseRequest', nodeId, incarnation, leaseMs };
    const waitMs = this.options.leaseMs / RENEWALS;
    const replies = await bus.requestMany(
      subjects.lease(nodeId),
      request,
      leaseReply,
      this.sentinels,
      waitMs,
    );
    this.sentinels = Math.max(this.sentinels, ...replies.map(({ sentinels }) => sentinels));
    return replies;
  }

  private isMajority(replies: readonly LeaseReply[], status: LeaseReply['status']): boolean {
    const names = new Set(
      replies.filter((reply) => reply.status === status).map(({ sentinelId }) => sentinelId),
    );
    return names.size * 2 > this.sentinels;
  }

  private write(of: ProcessIdentity | undefined, untilMs: number, guard = this.guardName): void {
    const identity = of === undefined ? undefined : { pid: of.pid, startTicks: of.startTicks };
    this.onFile('written', () => this.machine.store.write(guard, identity, untilMs));
  }

  /** @throws CodedError `CONFIG_INVALID`. */
  private onFile<T>(what: 'read' | 'written', work: () => T): T {
    try {
      return work();
    } catch (cause) {
      const { file } = this.options;
      throw codedError('CONFIG_INVALID', `nodeAgent.lease.file: ${file} cannot be ${what}`, { file }, cause);
    }
  }

  private startGuard(): void {
    if (this.stopped) return;
    const { file, log } = this.options;
    const guard = this.machine.startGuard(file, this.guardName);
    const again = (why: string): void => {
      if (this.guard !== guard) return;
      this.guard = undefined;
      this.guardIsReady = false;
      if (this.stopped) return;
      log.error({ why }, 'the lease guard has ended; it is started again');
      setTimeout(() => this.startGuard(), GUARD_AGAIN_MS).unref();
    };
    this.guard = guard;
    guard.onReady(() => this.onGuardReady(guard));
    guard.onEnd(again);
  }

  /** The guard looks at the file: it is named there, and needs its agent no longer. */
  private onGuardReady(guard: StartedGuard): void {
    try {
      if (this.stopped || this.guard !== guard) return;
      const record = this.onFile('read', () => this.machine.store.read());
      const lease = record?.lease ?? undefined;
      if (record?.guard !== this.guardName) this.write(lease, lease?.untilMs ?? 0);
      this.guardIsReady = true;
    } catch (err) {
      // It ends, unnamed, and another is started.
      this.options.log.error({ err }, 'the lease guard could not be named');
    } finally {
      guard.letGo();
    }
  }
}
