import { subjects, type Bus } from '@reinvite/bus';
import {
  workerCommand,
  type RestoreCall,
  type RestoreFact,
  type TendBereft,
  type WorkerCommand,
} from '@reinvite/domain';

/** How the fake worker deals with a command. */
export type Manner =
  | 'answers'
  | 'says-only-answers'
  | 'one-answers'
  | 'one-refuses'
  | 'phone-refuses'
  | 'phone-collides'
  | 'phone-busy'
  | 'joins-nothing'
  | 'loses-sight'
  | 'unreachable'
  | 'silent';

/**
 * The ari-worker's side of recovery, at the level of its messages: takes every command from the queue and says of each leg
 * what `manner` wants. It keeps what it was sent.
 */
export class FakeWorker {
  readonly commands: RestoreCall[] = [];
  readonly tended: TendBereft[] = [];
  /** Asked for each command. */
  manner: (command: RestoreCall) => Manner = () => 'answers';
  private facts = 0;

  constructor(private readonly bus: Bus) {}

  /** Until the bus' signal aborts. */
  run(): Promise<void> {
    return this.bus.consume({
      stream: 'restoreCommands',
      durable: 'fake-worker',
      schema: workerCommand,
      maxInFlight: 500,
      ackWaitMs: 10_000,
      handler: (command) => this.handle(command),
    });
  }

  /** Says what a worker says that brought all legs of a call back. */
  async answer(command: RestoreCall): Promise<void> {
    await this.bringBack(command);
    if (command.join.kind === 'ari-bridge')
      await this.say(command, { ...this.base(command), type: 'LegsJoined', bridgeId: command.join.bridgeId });
  }

  private async bringBack(command: RestoreCall): Promise<void> {
    await this.say(
      command,
      ...command.legs.flatMap((leg) => [
        this.ofLeg(command, 'LegOriginated', leg),
        this.ofLeg(command, 'LegAnswered', leg),
      ]),
    );
  }

  private async handle(command: WorkerCommand): Promise<void> {
    if (command.type === 'TendBereft') return this.tend(command);
    this.commands.push(command);
    const manner = this.manner(command);
    if (manner === 'answers') await this.answer(command);
    if (manner === 'says-only-answers')
      await this.say(command, ...command.legs.map((leg) => this.ofLeg(command, 'LegAnswered', leg)));
    if (manner === 'joins-nothing') await this.bringBack(command);
    if (manner === 'one-answers') await this.bringBack({ ...command, legs: command.legs.slice(0, 1) });
    if (manner === 'one-refuses') {
      await this.bringBack({ ...command, legs: command.legs.slice(0, 1) });
      await this.refuse({ ...command, legs: command.legs.slice(1) }, true, 'DIALOG_GONE');
    }
    if (manner === 'phone-refuses') await this.refuse(command, true, 'REINVITE_REJECTED');
    if (manner === 'phone-busy') await this.refuse(command, true, 'SERVER_UNAVAILABLE');
    if (manner === 'phone-collides') await this.refuse(command, true, 'REINVITE_COLLIDED');
    if (manner === 'loses-sight') await this.refuse(command, true, 'OUTCOME_UNKNOWN');
    if (manner === 'unreachable') await this.refuse(command, false, 'TARGET_UNREACHABLE');
  }

  private async tend(command: TendBereft): Promise<void> {
    this.tended.push(command);
    const { commandId, recoveryId, callId, attempt, target, channelId, treatment } = command;
    const tended = { channelId, treatment: treatment.do, result: 'done' } as const;
    const fact: RestoreFact = {
      type: 'BereftTended',
      commandId,
      recoveryId,
      callId,
      attempt,
      target,
      at: Date.now(),
      ...tended,
    };
    await this.bus.publishDurable(subjects.restoreFact(target), fact, `fake-fact-${(this.facts += 1)}`);
  }

  private refuse(command: RestoreCall, sent: boolean, reason: string): Promise<void> {
    return this.say(
      command,
      ...command.legs.map(({ legId, channelId }): RestoreFact => {
        return {
          ...this.base(command),
          type: 'LegRefused',
          legId,
          channelId,
          sent,
          cause: sent ? 21 : null,
          reason,
        };
      }),
    );
  }

  private async say(command: RestoreCall, ...facts: RestoreFact[]): Promise<void> {
    const subject = subjects.restoreFact(command.target);
    await Promise.all(
      facts.map((fact) => this.bus.publishDurable(subject, fact, `fake-fact-${(this.facts += 1)}`)),
    );
  }

  private ofLeg(
    command: RestoreCall,
    type: 'LegOriginated' | 'LegAnswered',
    leg: RestoreCall['legs'][number],
  ): RestoreFact {
    return { ...this.base(command), type, legId: leg.legId, channelId: leg.channelId };
  }

  private base({ commandId, recoveryId, callId, attempt, target }: RestoreCall) {
    return { commandId, recoveryId, callId, attempt, target, at: Date.now() };
  }
}
