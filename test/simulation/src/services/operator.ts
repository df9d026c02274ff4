import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { subjects } from '@reinvite/bus';
import {
  alarm,
  declareDownReply,
  operatorReply,
  recoveryReply,
  type Alarm,
  type OperatorCommand,
  type RecoveryRequest,
} from '@reinvite/domain';
import type { z } from 'zod';
import { SimulatedBus } from '../bus/client.js';
import type { Nats } from '../bus/server.js';
import { Process } from '../world/process.js';
import type { World } from '../world/world.js';

const ANSWER_MS = 3_000;
const AGAIN_MS = 500;
/** Ms until an operator says yes. */
const ANSWERED_MS = [200, 5_000] as const;
/** How often it is asked for what is refused, or not answered. */
const TIMES = 20;
/** Refusals that asking again does not change. */
const FINAL: ReadonlySet<string> = new Set([
  'RECOVERY_UNKNOWN_CALL',
  'RECOVERY_NOT_HELD',
  'RECOVERY_STOPPED',
  'RECOVERY_REQUEST_INVALID',
]);

type Said = 'StopRecovery' | 'ResumeRecovery';
type Answer = { readonly status: string; readonly code?: string };

/** An operator. What was said last of a stop is so in the end, however often it takes to say it. */
export class Operator {
  private readonly process: Process;
  private readonly bus: SimulatedBus;
  private last: Promise<unknown> = Promise.resolve();
  private readonly asked = new Set<string>();

  /** @param answers how often what recovery asks is answered with yes. */
  constructor(
    private readonly world: World,
    nats: Nats,
    private readonly answers: number,
  ) {
    this.process = new Process(world, 'operator', 'operator');
    this.bus = new SimulatedBus(this.process, nats);
    this.bus.subscribe('reinvite.alarm.*', alarm, (told) => this.onAlarm(told));
  }

  /** What was asked is answered once, after a while or not at all. */
  private onAlarm({ kind, callId, details }: Alarm): void {
    const { random, time } = this.world;
    const question = kind === 'mass-failure' ? String(details['incidentId']) : `${kind} ${callId ?? ''}`;
    if (this.asked.has(question)) return;
    this.asked.add(question);
    if (!random.chance(this.answers)) return;
    const afterMs = random.int(...ANSWERED_MS);
    if (kind === 'mass-failure') time.later(afterMs, () => this.say('ResumeRecovery'));
    if (kind === 'call-quarantined' && callId !== undefined) time.later(afterMs, () => this.release(callId));
  }

  /** To recovery, as a whole. */
  say(type: Said): void {
    this.last = this.last.then(() => this.command({ type, requestedBy: 'operator', reason: 'test' }));
  }

  /** Lets one call go that is held. */
  release(callId: string): void {
    void this.command({ type: 'ReleaseCall', callId, requestedBy: 'operator', reason: 'test' });
  }

  /** Asks for the recovery of a node's calls, or of one call, and again with the same key until there is an answer. */
  request(what: Pick<RecoveryRequest, 'nodeId' | 'callId'>): void {
    const request: RecoveryRequest = {
      ...what,
      reason: 'test',
      requestedBy: 'operator',
      idempotencyKey: randomUUID(),
      dryRun: false,
    };
    void this.untilAnswered(subjects.recoveryRequest, request, recoveryReply, TIMES);
  }

  /** Vouches that a node is dead, for as long as it may be said. */
  declareDown(nodeId: string, isTrue: () => boolean): void {
    const declared = { type: 'DeclareDown', nodeId, requestedBy: 'operator', reason: 'test' };
    void this.untilAnswered(subjects.operatorNode, declared, declareDownReply, TIMES, isTrue);
  }

  private command(command: OperatorCommand): Promise<void> {
    return this.untilAnswered(subjects.operatorRecovery, command, operatorReply, Infinity);
  }

  private async untilAnswered(
    subject: string,
    message: unknown,
    schema: z.ZodType<Answer>,
    times: number,
    mayAsk = (): boolean => true,
  ): Promise<void> {
    const { bus, process } = this;
    for (let time = 0; time < times && mayAsk(); time += 1) {
      const answer = await bus.request(subject, message, schema, ANSWER_MS).catch(() => undefined);
      if (answer !== undefined) process.world.trace.note('operator', `${subject}: ${JSON.stringify(answer)}`);
      if (answer !== undefined && (answer.status !== 'refused' || FINAL.has(answer.code ?? ''))) return;
      await delay(AGAIN_MS);
    }
  }
}
