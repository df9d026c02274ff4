import { subjects, type Bus } from '@reinvite/bus';
import type { RestoreCall, RestoreFact } from '@reinvite/domain';
import { retryForever, type Logger } from '@reinvite/runtime';
import type { JoinReason, Refusal } from './reasons.js';

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
 */
export class Facts {
  private readonly outstanding: Promise<void>[] = [];

  constructor(
    private readonly command: RestoreCall,
    private readonly options: FactsOptions,
  ) {}

  originated({ legId, channelId }: Leg): void {
    this.publish({ ...this.common(), type: 'LegOriginated', legId, channelId }, legId);
  }

  answered({ legId, channelId }: Leg): void {
    this.publish({ ...this.common(), type: 'LegAnswered', legId, channelId }, legId);
  }

  refused({ legId, channelId }: Leg, refusal: Refusal): void {
    this.publish({ ...this.common(), type: 'LegRefused', legId, channelId, ...refusal }, legId);
  }

  joined(bridgeId: string): void {
    this.publish({ ...this.common(), type: 'LegsJoined', bridgeId }, 'join');
  }

  joinFailed(reason: JoinReason): void {
    this.publish({ ...this.common(), type: 'JoinFailed', reason }, 'join');
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

  private publish(fact: RestoreFact, about: string): void {
    const { bus, log, signal } = this.options;
    const id = `${fact.commandId}:${about}:${fact.type}`;
    log.debug({ fact }, fact.type);
    const stored = retryForever(() => bus.publishDurable(subjects.restoreFact(fact.target), fact, id), {
      what: `publishing ${fact.type}`,
      log,
      signal,
    }).then(() => undefined);
    stored.catch(() => undefined);
    this.outstanding.push(stored);
  }
}
