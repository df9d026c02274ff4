import { subjects, type Bus } from '@reinvite/bus';
import type { RestoreCall, RestoreFact } from '@reinvite/domain';
import { retryForever, type Logger } from '@reinvite/runtime';
import type { JoinReason, Refusal } from './reasons.js';
import type { ResumeResult } from './resume/result.js';

export interface FactsOptions {
  readonly bus: Pick<Bus, 'publishDurable'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Epoch ms. */
  readonly now: () => number;
}

interface Leg {
  readonly legId: string;
  readonly channelId: string;
}

/**
 * What is seen of one command, published in the background and tried again until it is stored. The message ids are made
 * of command, leg and type, so that a repeated command repeats no fact.
 *
 * That nothing was sent lets the leg be tried elsewhere at once, so nobody may send it afterwards: this refusal and the
 * {@link claim} of a worker that takes over share one message id, and JetStream stores the first of them only.
 */
export class Facts {
  private readonly outstanding: Promise<void>[] = [];
  private readonly claimed = new Set<string>();

  constructor(
    private readonly command: RestoreCall,
    private readonly options: FactsOptions,
  ) {}

  /**
   * Asks to originate what another worker may have begun; where that is granted, the fact `LegOriginated` is told with it.
   * @returns false where the leg was refused or claimed before: it must not be originated. So too where the acknowledgement of
   *   our own claim got lost, which cannot be told from it.
   * @throws the signal's reason where that aborts first.
   */
  async claim({ legId, channelId }: Leg): Promise<boolean> {
    const fact: RestoreFact = { ...this.common(), type: 'LegOriginated', legId, channelId };
    const { duplicate } = await this.store(fact, this.endingId(legId));
    if (!duplicate) this.claimed.add(legId);
    return !duplicate;
  }

  originated({ legId, channelId }: Leg): void {
    if (this.claimed.has(legId)) return;
    this.publish({ ...this.common(), type: 'LegOriginated', legId, channelId }, legId);
  }

  answered({ legId, channelId }: Leg): void {
    this.publish({ ...this.common(), type: 'LegAnswered', legId, channelId }, legId);
  }

  /** That nothing was sent is not told any more where another worker has claimed the leg: it may be sending. */
  refused({ legId, channelId }: Leg, refusal: Refusal): void {
    const fact: RestoreFact = { ...this.common(), type: 'LegRefused', legId, channelId, ...refusal };
    this.keep(this.storeRefusal(fact, legId, refusal.sent || this.claimed.has(legId)));
  }

  joined(bridgeId: string): void {
    this.publish({ ...this.common(), type: 'LegsJoined', bridgeId }, 'join');
  }

  joinFailed(reason: JoinReason): void {
    this.publish({ ...this.common(), type: 'JoinFailed', reason }, 'join');
  }

  legResumed({ legId, channelId }: Leg, { restored, notRestored }: ResumeResult): void {
    const told = { restored: [...restored], notRestored: [...notRestored] };
    this.publish({ ...this.common(), type: 'LegResumed', legId, channelId, ...told }, legId);
  }

  bridgeResumed(bridgeId: string, { restored, notRestored }: ResumeResult): void {
    const told = { restored: [...restored], notRestored: [...notRestored] };
    this.publish({ ...this.common(), type: 'BridgeResumed', bridgeId, ...told }, 'bridge');
  }

  /** Work that may yet bring a fact. */
  waitFor(work: Promise<void>): void {
    this.outstanding.push(work);
  }

  /**
   * Resolves when every fact is stored.
   * @throws the signal's reason where that aborts first.
   */
  async stored(): Promise<void> {
    for (const work of this.outstanding) await work;
  }

  private common() {
    const { commandId, recoveryId, callId, attempt, target } = this.command;
    return { commandId, recoveryId, callId, attempt, target, at: this.options.now() };
  }

  private async storeRefusal(fact: RestoreFact, legId: string, holdsAnyway: boolean): Promise<void> {
    const id = this.endingId(legId);
    const { duplicate } = await this.store(fact, id);
    if (duplicate && holdsAnyway) await this.store(fact, `${id}:claimed`);
  }

  private publish(fact: RestoreFact, about: string): void {
    this.keep(this.store(fact, `${fact.commandId}:${about}:${fact.type}`).then(() => undefined));
  }

  private keep(work: Promise<void>): void {
    work.catch(() => undefined);
    this.outstanding.push(work);
  }

  private store(fact: RestoreFact, id: string): Promise<{ readonly duplicate: boolean }> {
    const { bus, log, signal } = this.options;
    log.debug({ fact }, fact.type);
    return retryForever(() => bus.publishDurable(subjects.restoreFact(fact.target), fact, id), {
      what: `publishing ${fact.type}`,
      log,
      signal,
    });
  }

  private endingId(legId: string): string {
    return `${this.command.commandId}:${legId}:LegRefused`;
  }
}
