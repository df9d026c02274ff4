import { subjects, type Bus } from '@reinvite/bus';
import { vote, voteRequest, type Vote, type VoteRequest } from '@reinvite/domain';
import type { Logger } from '@reinvite/runtime';
import { quorumOf, tally, type Tally } from './tally.js';

/** What this sentinel knows of a life by itself. */
export type OwnView = Pick<Vote, 'suspects' | 'down' | 'leaseOver'>;

export interface CouncilOptions {
  readonly sentinelId: string;
  /** How many sentinels have a vote, this one included. */
  readonly sentinels: number;
  readonly timeoutMs: number;
  readonly bus: Pick<Bus, 'respond' | 'requestMany'>;
  readonly log: Logger;
  readonly view: (nodeId: string, incarnation: string) => OwnView;
}

/**
 * The sentinels, as one of them sees them. How many they are is configured, never counted: those whom a partition has left
 * alone would count themselves as all.
 */
export class Council {
  /** How far this sentinel is with fencing a node. */
  private readonly fencing = new Map<string, 'asking' | 'acting'>();

  constructor(private readonly options: CouncilOptions) {}

  /** True where no other sentinel has a vote. */
  get isAlone(): boolean {
    return this.options.sentinels === 1;
  }

  /** Answers the others until the bus closes. */
  open(): void {
    const { bus, log, sentinels, sentinelId } = this.options;
    if (this.isAlone) {
      log.warn({ sentinelId }, 'the only sentinel: nobody else is asked before a node is fenced');
      return;
    }
    log.info({ sentinelId, sentinels, quorum: quorumOf(sentinels) }, 'one of several sentinels');
    // A request that cannot be read is answered with what counts for no vote.
    bus.respond(
      subjects.sentinelVote,
      voteRequest,
      async (request) => this.voteOn(request),
      () => ({}),
    );
  }

  /** Asks everybody. Until {@link done} the others know that this sentinel has begun. */
  async ask(nodeId: string, incarnation: string): Promise<Tally> {
    const { sentinelId, sentinels, timeoutMs, bus, log } = this.options;
    const request: VoteRequest = { type: 'VoteRequest', nodeId, incarnation, askedBy: sentinelId };
    this.fencing.set(nodeId, 'asking');
    const heard = this.isAlone
      ? []
      : await bus.requestMany(subjects.sentinelVote, request, vote, sentinels, timeoutMs);
    const about = heard.filter((one) => one.nodeId === nodeId && one.incarnation === incarnation);
    const result = tally([...about, this.voteOn(request)], sentinelId, sentinels);
    const voters = new Set([sentinelId, ...about.map((one) => one.sentinelId)]).size;
    if (voters < quorumOf(sentinels))
      log.error(
        { nodeId, voters, sentinels },
        'a minority of the sentinels answers: it declares nobody dead',
      );
    if (result.granted) this.fencing.set(nodeId, 'acting');
    return result;
  }

  /** The fence of a node has its result. */
  done(nodeId: string): void {
    this.fencing.delete(nodeId);
  }

  private voteOn({ nodeId, incarnation, askedBy }: VoteRequest): Vote {
    const { sentinelId, view } = this.options;
    const phase = this.fencing.get(nodeId);
    // Of two who ask at the same time the first by name goes on.
    const fencing = phase === 'acting' || (phase === 'asking' && sentinelId < askedBy);
    return { type: 'Vote', sentinelId, nodeId, incarnation, fencing, ...view(nodeId, incarnation) };
  }
}
