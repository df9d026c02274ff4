import type { Bus } from '@reinvite/bus';
import type { RestoreCall, TendBereft } from '@reinvite/domain';
import { codedError, type Logger } from '@reinvite/runtime';
import { Facts } from './facts.js';
import { restoreCall } from './restore-call.js';
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
    if (target === undefined)
      throw codedError('MESSAGE_INVALID', `the command is for ${nodeId}, which is not configured`, {
        nodeId,
      });
    if (command.type === 'TendBereft') return tendToBereft({ command, target, bus, log, now, closing });
    const facts = new Facts(command, { bus, log, signal: closing, now });
    log.debug({ legs: command.legs.length, mayHaveBegun }, 'restoring a call');
    await restoreCall({ command, target, facts, log, mayHaveBegun, answerTimeoutMs, now, closing });
  }

  private forget(): void {
    for (const id of this.known.keys()) {
      if (this.known.size <= REMEMBERED) return;
      this.known.delete(id);
    }
  }
}
