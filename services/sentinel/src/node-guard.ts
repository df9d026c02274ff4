import type { Alarm, NodeEvent, NodeHistory } from '@reinvite/domain';
import { observe, startWatch, wantsAnswer } from './detector/detector.js';
import type { DetectorSettings, Moment, Observation, Watch } from './detector/types.js';
import type { FenceResult } from './fence.js';
import type { FenceOrder, PutOff } from './fencer.js';
import { NodeRecorder, type NodeRecord, type RecorderOptions } from './node-recorder.js';

/** An agent that is asked to kill a life has so long before it is asked again. */
const REVENANT_PAUSE_MS = 2_000;

export interface GuardOptions extends RecorderOptions {
  readonly nodeId: string;
  readonly record: NodeRecord;
  readonly settings: DetectorSettings;
  readonly now: () => Moment;
  /** Asks the node's Asterisk itself. @returns the life that it is in, undefined where it does not answer. */
  readonly ask: () => Promise<string | undefined>;
  readonly fence: (order: FenceOrder) => Promise<FenceResult | PutOff>;
  /** Has a life killed that goes on though it was declared down. */
  readonly endRevenant: (incarnation: string) => Promise<FenceResult>;
  readonly alarm: (alarm: Alarm) => void;
}

/** Guards one node: tells the detector what is observed, records what it decides, and fences where it says so. */
export class NodeGuard {
  private watch: Watch;
  private readonly recorder: NodeRecorder;
  private asking: Promise<void> | undefined;
  /** Whether its Asterisk has answered since its agent was heard last. */
  private agentMissing = false;
  private revenantAskedAt = -Infinity;
  private putOffReason = '';
  private secondTold: string | null = null;
  /** Rejects with what trying again cannot mend. */
  readonly failed: Promise<never>;
  private fail!: (error: unknown) => void;

  constructor(private readonly options: GuardOptions) {
    const { nodeId, record, settings, now } = options;
    this.watch = startWatch(nodeId, record.history, now(), settings);
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.recorder = new NodeRecorder(nodeId, record, options, (history) => this.overtaken(history));
  }

  /** What is known of the node's lives. */
  get history(): NodeHistory {
    return this.watch.history;
  }

  get nodeId(): string {
    return this.options.nodeId;
  }

  /** Whether this life is suspected. */
  suspects(incarnation: string): boolean {
    return this.watch.suspicion !== null && this.watch.history.current?.incarnation === incarnation;
  }

  /** How long ago, ms, the latest sign of life of the current life was. */
  quietMs(): number {
    return Math.max(0, this.options.now().mono - this.watch.wellAt);
  }

  observe(observation: Observation): void {
    const { settings, now } = this.options;
    const verdict = observe(this.watch, observation, now(), settings);
    this.watch = verdict.watch;
    verdict.events.forEach((event) => this.tell(event));
    if (verdict.events.length > 0)
      this.recorder.add(verdict.events).catch((error: unknown) => this.onFailure(error));
    if (verdict.fence !== null) void this.fence(verdict.fence);
    if (verdict.revenant !== null) void this.end(verdict.revenant);
    if (verdict.second !== null) this.tellSecond(verdict.second);
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
    const { fence } = this.options;
    const suspectedAt = this.options.now().mono;
    const stillNeeded = async (): Promise<boolean> => {
      await this.ask();
      return this.watch.suspicion !== null && this.watch.wellAt <= suspectedAt;
    };
    const cause = this.watch.suspicion?.cause ?? null;
    const order: FenceOrder = { incarnation, cause, silentMs: this.quietMs(), stillNeeded };
    const result = await fence(order).catch((error: unknown): FenceResult => ({
      kind: 'fence-failed',
      reason: String(error),
    }));
    if (result.kind === 'fence-put-off') this.tellPutOff(incarnation, result);
    else this.putOffReason = '';
    this.observe({ ...result, incarnation });
  }

  /** Said once for each reason: it is tried again several times a second. */
  private tellPutOff(incarnation: string, { reason, waitMs, behind }: PutOff): void {
    const { nodeId, log } = this.options;
    if (reason !== this.putOffReason)
      log.warn({ nodeId, incarnation, reason, waitMs }, 'not fenced yet, and left alone');
    this.putOffReason = reason;
    if (behind) this.recorder.refresh().catch((error: unknown) => this.onFailure(error));
  }

  private async end(incarnation: string): Promise<void> {
    const { nodeId, log, now, endRevenant } = this.options;
    if (now().mono - this.revenantAskedAt < REVENANT_PAUSE_MS) return;
    this.revenantAskedAt = now().mono;
    const result = await endRevenant(incarnation);
    log.warn(
      { nodeId, incarnation, result },
      'a life that was declared down was heard of; its agent was told',
    );
  }

  /** Said once for each life. */
  private tellSecond(second: string): void {
    const { nodeId, log, alarm, now } = this.options;
    const incarnation = this.watch.history.current?.incarnation;
    if (second === this.secondTold || incarnation === undefined) return;
    this.secondTold = second;
    const message = 'two lives of the node are heard of side by side; neither is taken for dead';
    log.error({ nodeId, incarnation, second, code: 'NODE_DOUBLED' }, message);
    const about = { nodeId, incarnation, at: now().at, message, details: { second } };
    alarm({ type: 'Alarm', kind: 'node-doubled', ...about });
  }

  private onFailure(error: unknown): void {
    if (!this.options.signal.aborted) this.fail(error);
  }

  private overtaken(history: NodeHistory): void {
    const { suspicion, upAt, history: before } = this.watch;
    const suspected = history.current?.standing === 'suspected';
    const isSameLife = history.current?.incarnation === before.current?.incarnation;
    this.watch = {
      ...this.watch,
      history,
      suspicion: suspected ? suspicion : null,
      upAt: isSameLife ? upAt : null,
    };
  }

  private tell(event: NodeEvent): void {
    const { log } = this.options;
    const { type, ...details } = event;
    switch (type) {
      case 'FenceFailed': {
        const message = 'the fence was not confirmed; nothing of the node is taken over';
        log.error({ ...details, code: 'FENCE_FAILED' }, message);
        const { nodeId, incarnation, at, reason, tries } = event;
        const told = { nodeId, incarnation, at, message, details: { reason, tries } };
        this.options.alarm({ type: 'Alarm', kind: 'fence-failed', ...told });
        return;
      }
      case 'NodeSuspected':
      case 'NodeDeclaredDown':
      case 'NodeDown':
        log.warn(details, type);
        return;
      default:
        log.info(details, type);
    }
  }
}
