import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { subjects, type Bus } from '@reinvite/bus';
import { leaseReply, type LeaseReply, type LeaseRequest } from '@reinvite/domain';
import { codedError, type Logger } from '@reinvite/runtime';
import { killProcess } from '../process/asterisk-process.js';
import type { ProcessIdentity } from '../process/proc.js';
import { monotonicMs, removeLease, writeLease } from './lease-file.js';

/** So many requests go out in the time of one lease: nine of them may be lost. */
const RENEWALS = 10;
const GUARD_MAIN = fileURLToPath(new URL('./guard-main.js', import.meta.url));
const GUARD_AGAIN_MS = 200;

export interface TenantOptions {
  readonly nodeId: string;
  readonly leaseMs: number;
  readonly file: string;
  readonly bus: Pick<Bus, 'requestMany'>;
  /** The life that runs now, with its process; undefined where there is none that could be killed. */
  readonly life: () => { readonly incarnation: string; readonly process: ProcessIdentity } | undefined;
  readonly log: Logger;
}

/**
 * Holds the lease of the local Asterisk: it may live for as long as more than half of the sentinels were heard of lately. The
 * order of the steps is what docs/detection.md proves with:
 *
 * 1. A guard is there before the first lease is asked for.
 * 2. The end of a lease counts from before it was asked for, and the first one is written down before it is asked for.
 * 3. A later one is written down after it was granted.
 */
export class Tenant {
  private readonly guardName = randomUUID();
  private guard: ChildProcess | undefined;
  private sentinels = 1;
  /** The life that has a lease, and its end. */
  private held: { readonly incarnation: string; readonly untilMs: number } | undefined;
  private renewing = false;
  private stopped = false;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: TenantOptions) {
    this.write(undefined, 0);
    this.startGuard();
    const { log, leaseMs } = options;
    const failed = (err: unknown): void => log.error({ err }, 'the lease was not renewed');
    this.timer = setInterval(() => void this.renew().catch(failed), leaseMs / RENEWALS);
  }

  /** Kills an Asterisk whose lease is over. The guard does so too; whoever is first. To be called every few ms. */
  look(): void {
    const { held } = this;
    if (held === undefined || monotonicMs() < held.untilMs) return;
    this.end(held.incarnation, 'no sentinel has renewed the lease: Asterisk is killed');
  }

  /** Gives the lease up, so that nothing is killed while no agent runs. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopped = true;
    const { held } = this;
    if (held !== undefined && !this.isMajority(await this.ask(held.incarnation, 0), 'released')) {
      const leftMs = Math.round(held.untilMs - monotonicMs());
      this.options.log.error(
        { leftMs },
        'the lease could not be given up: Asterisk is killed when it runs out, unless an agent runs by then',
      );
      return;
    }
    removeLease(this.options.file);
  }

  private async renew(): Promise<void> {
    const life = this.options.life();
    if (this.renewing || this.stopped || life === undefined || this.guard === undefined) return;
    this.renewing = true;
    try {
      const { incarnation } = life;
      if (this.held?.incarnation !== incarnation && !(await this.begin(life))) return;
      const askedAt = monotonicMs();
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
    this.hold(life, monotonicMs() + this.options.leaseMs);
    this.options.log.info(
      { incarnation: life.incarnation, leaseMs: this.options.leaseMs },
      'holding a lease',
    );
    return true;
  }

  private hold({ incarnation, process }: { incarnation: string; process: ProcessIdentity }, untilMs: number) {
    this.write(process, untilMs);
    this.held = { incarnation, untilMs };
  }

  private end(incarnation: string, why: string): void {
    const { life, log } = this.options;
    this.held = undefined;
    const current = life();
    if (current?.incarnation !== incarnation) return;
    log.fatal({ incarnation, pid: current.process.pid }, why);
    try {
      killProcess(current.process);
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

  private write(process: ProcessIdentity | undefined, untilMs: number): void {
    try {
      writeLease(this.options.file, this.guardName, process, untilMs);
    } catch (cause) {
      const { file } = this.options;
      throw codedError('CONFIG_INVALID', `nodeAgent.lease.file: ${file} cannot be written`, { file }, cause);
    }
  }

  private startGuard(): void {
    if (this.stopped) return;
    const { file, log } = this.options;
    // Of a session of its own: what ends the agent does not end it.
    const guard = spawn(process.execPath, [GUARD_MAIN, file, this.guardName], {
      detached: true,
      stdio: 'ignore',
      cwd: '/',
    });
    guard.unref();
    const again = (why: string): void => {
      if (this.guard !== guard) return;
      this.guard = undefined;
      if (this.stopped) return;
      log.error({ why }, 'the lease guard has ended; it is started again');
      setTimeout(() => this.startGuard(), GUARD_AGAIN_MS).unref();
    };
    this.guard = guard;
    guard.once('error', (error) => again(error.message));
    guard.once('exit', (code, signal) => again(`${code ?? signal ?? 'unknown'}`));
  }
}
