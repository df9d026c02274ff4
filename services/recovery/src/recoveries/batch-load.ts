import { withLoad, type Candidate, type RecoveryCommand, type RecoveryEvent } from '@reinvite/domain';

/** The legs that the decisions of one batch have given to nodes: no heartbeat shows them yet, and the next call goes elsewhere. */
export class BatchLoad {
  private readonly legs = new Map<string, number>();

  /** A command, with the nodes to choose from as loaded as they will be. */
  added(command: RecoveryCommand): RecoveryCommand {
    return 'candidates' in command ? { ...command, candidates: this.on(command.candidates) } : command;
  }

  note(events: readonly RecoveryEvent[]): void {
    for (const event of events)
      if (event.type === 'AttemptStarted')
        this.legs.set(event.target, (this.legs.get(event.target) ?? 0) + event.legs.length);
  }

  private on(candidates: readonly Candidate[]): readonly Candidate[] {
    return [...this.legs].reduce((all, [nodeId, legs]) => withLoad(all, nodeId, legs), candidates);
  }
}
