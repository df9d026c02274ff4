import type { Bus } from '@reinvite/bus';
import type { RestoreCall, TendBereft } from '@reinvite/domain';
import { codedError, type Logger } from '@reinvite/runtime';
import { Facts } from './facts.js';
import { UNHEARD } from './reasons.js';
import { restoreCall } from './restore-call.js';
import { isWorthAnotherTry } from './restore-leg.js';
import type { Target } from './target.js';
import { tendToBereft } from './tend-bereft.js';

/** Commands that are done are remembered longer than JetStream repeats one whose acknowledgement got lost. */
const REMEMBERED = 20_000;

export interface CommandsOptions {
  readonly bus: Pick<Bus, 'publishDurable'>;
  readonly targets: ReadonlyMap<string, Target>;
  readonly answerTimeoutMs: number;
  readonly log: Logger;
  readonly now: () => number;
  readonly closing: AbortSignal;
}

/** Carries out each command once in this process, however often it is delivered. */
export class Commands {
  private readonly known = new Map<string, Promise<void>>();

  constructor(private readonly options: CommandsOptions) {}

  /**
   * @param delivery how often the command has been delivered, to whomever; 1 is the first.
   * @throws what keeps the command from being finished: it is to be delivered again.
   */
  handle(command: RestoreCall | TendBereft, delivery: number): Promise<void> {
    const running = this.known.get(command.commandId);
    if (running !== undefined) return running;
    const work = this.carryOut(command, delivery > 1);
    this.known.set(command.commandId, work);
    work.catch(() => this.known.delete(command.commandId));
    this.forget();
    return work;
  }

  private async carryOut(command: RestoreCall | TendBereft, mayHaveBegun: boolean): Promise<void> {
    const { bus, targets, answerTimeoutMs, now, closing } = this.options;
    const { recoveryId, callId, target: nodeId } = command;
    const log = this.options.log.child({ recoveryId, callId, nodeId });
    const target = targets.get(nodeId);
    if (target === undefined) return this.leave(command, mayHaveBegun, log);
    if (command.type === 'TendBereft')
      return tendToBereft({ command, target, bus, log, mayHaveBegun, now, closing });
    const facts = new Facts(command, { bus, log, signal: closing, now });
    log.debug({ legs: command.legs.length, mayHaveBegun }, 'restoring a call');
    await restoreCall({ command, target, facts, log, mayHaveBegun, answerTimeoutMs, now, closing });
  }

  /**
   * The node is in no configuration of ours, as while a new one is made known: what may have begun, and what nobody would try
   * elsewhere, is for a worker that knows it.
   * @throws CodedError `ARI_UNREACHABLE`
   */
  private async leave(command: RestoreCall | TendBereft, mayHaveBegun: boolean, log: Logger): Promise<void> {
    const { bus, now, closing, answerTimeoutMs } = this.options;
    const isForAnother =
      command.type === 'TendBereft'
        ? now() <= command.notAfter
        : (mayHaveBegun || command.legs.length === 0) && isWorthAnotherTry({ now, command, answerTimeoutMs });
    if (isForAnother)
      throw codedError('ARI_UNREACHABLE', `${command.target} is not configured here`, { maybeSent: false });
    log.error('a command for a node that is not configured here cannot be carried out');
    if (command.type === 'TendBereft') return;
    const facts = new Facts(command, { bus, log, signal: closing, now });
    const refusal = mayHaveBegun
      ? ({ reason: 'OUTCOME_UNKNOWN', sent: true } as const)
      : ({ reason: 'TARGET_UNREACHABLE', sent: false } as const);
    command.legs.forEach((leg) => facts.refused(leg, { ...UNHEARD, ...refusal }));
    await facts.stored();
  }

  private forget(): void {
    for (const id of this.known.keys()) {
      if (this.known.size <= REMEMBERED) return;
      this.known.delete(id);
    }
  }
}
