import type { AriConnection } from '@reinvite/ari';
import type { NotRestored, ResumeReason } from '@reinvite/domain';
import { isCoded, type CodedError } from '@reinvite/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import type { LegContext } from '../restore-leg.js';
import type { ResumeResult } from './result.js';

/** An answered channel is in its application within milliseconds; one whose application is gone never is. */
const IN_APPLICATION_MS = 5_000;
const FIRST_PAUSE_MS = 2;
const MAX_PAUSE_MS = 50;

/** Keeps account of what is tried, and tries it until the channel is where it can be done. Never rejects. */
export class Account {
  private readonly done: string[] = [];
  private readonly failed: NotRestored[];

  constructor(
    private readonly context: LegContext,
    private readonly isOver: () => boolean,
    known: readonly NotRestored[] = [],
  ) {
    this.failed = [...known];
  }

  restored(what: string): void {
    this.done.push(what);
  }

  lost(what: string, reason: ResumeReason): void {
    this.failed.push({ what, reason });
  }

  result(): ResumeResult {
    return { restored: this.done, notRestored: this.failed };
  }

  /** @param isThere whether another worker has done it; asked only where one may have. */
  async try(
    what: string,
    work: (ari: AriConnection) => Promise<void>,
    isThere: (ari: AriConnection) => Promise<boolean> = () => Promise.resolve(false),
  ): Promise<void> {
    const { target, mayHaveBegun, log } = this.context;
    try {
      await this.insistently((ari) => this.once(ari, mayHaveBegun, work, isThere), target);
      this.restored(what);
    } catch (err) {
      const reason = reasonOf(err, this.isOver());
      log.info({ err, what, reason }, 'does not come back');
      this.lost(what, reason);
    }
  }

  private async once(
    ari: AriConnection,
    mayHaveBegun: boolean,
    work: (ari: AriConnection) => Promise<void>,
    isThere: (ari: AriConnection) => Promise<boolean>,
  ): Promise<void> {
    if (!mayHaveBegun || !(await isThere(ari))) await work(ari);
  }

  /** Nobody is told when a channel enters an application, so it is tried again while it is on its way there. */
  private async insistently(
    work: (ari: AriConnection) => Promise<void>,
    target: LegContext['target'],
  ): Promise<void> {
    const deadline = performance.now() + IN_APPLICATION_MS;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      try {
        await target.request(work);
        return;
      } catch (err) {
        const isOnItsWay = isCoded(err, 'ARI_CONFLICT') && !isTaken(err);
        if (!isOnItsWay || this.isOver() || performance.now() >= deadline) throw err;
        await delay(pause);
      }
    }
  }
}

/** 409 is also the answer to a recording's name that is there already. */
function isTaken(error: CodedError): boolean {
  return /already exists/i.test(error.message);
}

function reasonOf(error: unknown, isOver: boolean): ResumeReason {
  if (isOver || isCoded(error, 'ARI_NOT_FOUND')) return 'leg-ended';
  if (isCoded(error, 'ARI_CONFLICT')) return isTaken(error) ? 'name-taken' : 'not-in-application';
  return isCoded(error, 'ARI_UNREACHABLE') ? 'target-unreachable' : 'request-refused';
}
