import type { NodeEvent, NodeHistory } from '@reinvite/domain';
import { observe, startWatch, wantsAnswer } from './detector/detector.js';
import type { DetectorSettings, Moment, Observation, Watch } from './detector/types.js';
import type { FenceResult } from './fence.js';
import { NodeRecorder, type NodeRecord, type RecorderOptions } from './node-recorder.js';

export interface GuardOptions extends RecorderOptions {
  readonly nodeId: string;
  readonly record: NodeRecord;
  readonly settings: DetectorSettings;
  readonly now: () => Moment;
  /** Asks the node's Asterisk itself. @returns the life that it is in, undefined where it does not answer. */
  readonly ask: () => Promise<string | undefined>;
  /** `stillNeeded` says false when the node is well after all. */
  readonly fence: (
    nodeId: string,
    incarnation: string,
    stillNeeded: () => Promise<boolean>,
  ) => Promise<FenceResult>;
}

/** Guards one node: tells the detector what is observed, records what it decides, and fences where it says so. */
export class NodeGuard {
  private watch: Watch;
  private readonly recorder: NodeRecorder;
  private asking: Promise<void> | undefined;
  /** Whether its Asterisk has answered since its agent was heard last. */
  private agentMissing = false;
  /** Rejects with what trying again cannot mend. */
  readonly failed: Promise<never>;
  private fail!: (error: unknown) => void;

  constructor(private readonly options: GuardOptions) {
    const { nodeId, record, settings, now } = options;
    this.watch = startWatch(nodeId, record.history, now(), settings);
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.recorder = new NodeRecorder(nodeId, record, options, (history) => this.overtaken(history));
  }

  observe(observation: Observation): void {
    const { settings, now } = this.options;
    const verdict = observe(this.watch, observation, now(), settings);
    this.watch = verdict.watch;
    verdict.events.forEach((event) => this.tell(event));
    if (verdict.events.length > 0)
      this.recorder.add(verdict.events).catch((error: unknown) => this.onFailure(error));
    if (verdict.fence !== null) void this.fence(verdict.fence);
    if (observation.kind === 'heartbeat') this.agentIsHeard();
    if (observation.kind === 'tick' && wantsAnswer(this.watch, now().mono, settings)) void this.ask();
  }

  /** Resolves when all that was decided is recorded. @throws as {@link NodeRecorder.add}. */
  recorded(): Promise<void> {
    return this.recorder.recorded();
  }

  /** One question at a time. */
  private ask(): Promise<void> {
    this.asking ??= this.answered().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async answered(): Promise<void> {
    const { nodeId, ask, log } = this.options;
    const incarnation = await ask();
    if (incarnation === undefined || incarnation !== this.watch.history.current?.incarnation) return;
    if (!this.agentMissing)
      log.warn(
        { nodeId, incarnation },
        'nothing is heard of the agent; its Asterisk answers and is left alone',
      );
    this.agentMissing = true;
    this.observe({ kind: 'answered', incarnation });
  }

  private agentIsHeard(): void {
    if (this.agentMissing) this.options.log.info({ nodeId: this.options.nodeId }, 'the agent is heard again');
    this.agentMissing = false;
  }

  private async fence(incarnation: string): Promise<void> {
    const { nodeId, log, fence } = this.options;
    const suspectedAt = this.options.now().mono;
    log.warn({ nodeId, incarnation }, 'fencing');
    const stillNeeded = async (): Promise<boolean> => {
      await this.ask();
      return this.watch.suspicion !== null && this.watch.wellAt <= suspectedAt;
    };
    const result = await fence(nodeId, incarnation, stillNeeded).catch((error: unknown): FenceResult => ({
      kind: 'fence-failed',
      reason: String(error),
    }));
    this.observe({ ...result, incarnation });
  }

  private onFailure(error: unknown): void {
    if (!this.options.signal.aborted) this.fail(error);
  }

  private overtaken(history: NodeHistory): void {
    const suspected = history.current?.standing === 'suspected';
    this.watch = { ...this.watch, history, suspicion: suspected ? this.watch.suspicion : null };
  }

  private tell(event: NodeEvent): void {
    const { log } = this.options;
    const { type, ...details } = event;
    switch (type) {
      case 'FenceFailed':
        log.error(
          { ...details, code: 'FENCE_FAILED' },
          'the fence was not confirmed; nothing of the node is taken over',
        );
        return;
      case 'NodeSuspected':
      case 'NodeDown':
        log.warn(details, type);
        return;
      default:
        log.info(details, type);
    }
  }
}
