import type { Pool } from '@reinvite/db';
import type {
  Candidate,
  OperatorCommand,
  OperatorReply,
  RecoveryCommand,
  RecoveryState,
  RecoveryStatus,
} from '@reinvite/domain';
import { codedError, type Logger } from '@reinvite/runtime';
import type { Recoveries } from '../recoveries/recoveries.js';
import type { Raise } from './alarms.js';
import type { ControlLog, Told } from './control-log.js';
import { controlStatusOf } from './restraints.js';
import { waitingRecoveries } from './waiting.js';

export interface DeskOptions {
  readonly pool: Pool;
  /** Recoveries of which nothing was dialled yet, of one call or of all. Default: {@link waitingRecoveries} of `pool`. */
  readonly waiting?: (callId?: string) => Promise<string[]>;
  readonly control: ControlLog;
  readonly recoveries: Pick<Recoveries, 'tell' | 'states'>;
  readonly candidates: () => readonly Candidate[];
  readonly status: (control: Told['control']) => Promise<RecoveryStatus>;
  readonly raise: Raise;
  readonly log: Logger;
}

type Of<T extends OperatorCommand['type']> = Extract<OperatorCommand, { readonly type: T }>;

/** Carries out what operators say. Everything may be asked again: what is so already stays so, and what was left undone is done. */
export class OperatorDesk {
  private readonly waiting: NonNullable<DeskOptions['waiting']>;

  constructor(private readonly options: DeskOptions) {
    this.waiting = options.waiting ?? ((callId) => waitingRecoveries(options.pool, callId));
  }

  /** @throws CodedError `RECOVERY_NOT_HELD`, `RECOVERY_STOPPED`; retryable ones where Postgres does not answer. */
  async handle(command: OperatorCommand): Promise<OperatorReply> {
    const { control, log, status } = this.options;
    if (command.type === 'AskStatus')
      return { status: 'status', recovery: await status((await control.read()).control) };
    const { type, requestedBy, reason } = command;
    log.info({ command: type, requestedBy, reason }, 'operator');
    switch (type) {
      case 'StopRecovery':
        return this.stop(command);
      case 'ResumeRecovery':
        return this.resume(command);
      case 'ReleaseCall':
        return this.release(command);
    }
  }

  private async stop({ requestedBy, reason }: Of<'StopRecovery'>): Promise<OperatorReply> {
    const { control, raise } = this.options;
    const at = Date.now();
    const told = await control.tell({ type: 'Stop', requestedBy, reason, at });
    if (told.happened.length > 0)
      raise({ kind: 'recovery-stopped', at, message: `recovery was stopped by ${requestedBy}: ${reason}` });
    // No plan goes in any more: who waits now is all there is.
    const calls = await this.tellWaiting(await this.waiting(), {
      type: 'AbandonRecovery',
      reason: 'recovery-stopped',
      at,
    });
    return done(told, calls);
  }

  private async resume({ requestedBy, reason }: Of<'ResumeRecovery'>): Promise<OperatorReply> {
    const { control, raise, candidates } = this.options;
    const at = Date.now();
    const told = await control.tell({ type: 'Resume', requestedBy, reason, at });
    if (told.happened.length > 0)
      raise({ kind: 'recovery-resumed', at, message: `recovery goes on, by ${requestedBy}: ${reason}` });
    const calls = await this.tellWaiting(await this.waiting(), {
      type: 'ReleaseHold',
      heldFor: ['mass-failure'],
      requestedBy,
      reason,
      candidates: candidates(),
      at,
    });
    return done(told, calls);
  }

  private async release({ callId, requestedBy, reason }: Of<'ReleaseCall'>): Promise<OperatorReply> {
    const { control, candidates } = this.options;
    const record = await control.read();
    if (record.control.stopped !== null)
      throw codedError('RECOVERY_STOPPED', 'recovery is stopped; resume it first', { callId });
    const calls = await this.tellWaiting(await this.waiting(callId), {
      type: 'ReleaseHold',
      requestedBy,
      reason,
      candidates: candidates(),
      at: Date.now(),
    });
    if (calls === 0) throw codedError('RECOVERY_NOT_HELD', 'no such call waits for an operator', { callId });
    return done({ ...record, happened: [] }, calls, true);
  }

  /** @returns how many calls it concerned. */
  private async tellWaiting(recoveryIds: readonly string[], command: RecoveryCommand): Promise<number> {
    const { recoveries } = this.options;
    const before = await recoveries.states(recoveryIds);
    const concerned = recoveryIds.filter((id) => isConcerned(before.get(id), command));
    await recoveries.tell(concerned.map((recoveryId) => ({ recoveryId, command })));
    return concerned.length;
  }
}

function isConcerned(state: RecoveryState | undefined, command: RecoveryCommand): boolean {
  if (state?.phase !== 'awaiting') return false;
  if (command.type !== 'ReleaseHold') return true;
  const { heldFor } = command;
  return state.held && (heldFor === undefined || heldFor.some((reason) => reason === state.waiting.reason));
}

function done({ control, happened }: Told, calls: number, changed = happened.length > 0): OperatorReply {
  return { status: 'done', changed: changed || calls > 0, calls, control: controlStatusOf(control) };
}
