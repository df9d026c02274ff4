import { subjects, type Bus } from '@reinvite/bus';
import { vote, voteRequest, type Vote, type VoteRequest } from '@reinvite/domain';
import type { Logger } from '@reinvite/runtime';
import { quorumOf, tally, type Tally } from './tally.js';

/** What this sentinel knows of a life by itself. */
export type OwnView = Pick<Vote, 'suspects' | 'down' | 'leaseOver'>;

/** A voice is held for so many times as long as a vote may take: by then the asker acts, or has given up. */
const HELD_FOR_VOTES = 3;

export interface CouncilOptions {
  readonly sentinelId: string;
  /** How many sentinels have a vote, this one included. */
  readonly sentinels: number;
  readonly timeoutMs: number;
  /** Monotonic ms. */
  readonly mono: () => number;
  readonly bus: Pick<Bus, 'respond' | 'requestMany'>;
  readonly log: Logger;
  readonly view: (nodeId: string, incarnation: string) => OwnView;
}

/**
 * The sentinels, as one of them sees them. How many they are is configured, never counted: those whom a partition has left
 * alone would count themselves as all.
 */
export class Council {
  /** Nodes that this sentinel is fencing. */
  private readonly acting = new Set<string>();
  /** To whom this sentinel has given its voice for a node, itself included, and until when. */
  /** Nodes for which it was said that a minority answers: asking goes on several times a second. */
  private readonly minorityTold = new Set<string>();
  private readonly given = new Map<string, { readonly to: string; readonly until: number }>();

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

  /**
   * Asks everybody. A voice is given to one asker at a time, so two majorities cannot be had at once. Until {@link done} the
   * others know that this sentinel has begun.
   */
  async ask(nodeId: string, incarnation: string): Promise<Tally> {
    const { sentinelId, sentinels } = this.options;
    const request: VoteRequest = { type: 'VoteRequest', nodeId, incarnation, askedBy: sentinelId };
    // Whose voice another has does not ask for those of others: each would keep the other from a majority.
    if (!this.give(nodeId, sentinelId)) return tally([this.voteOn(request)], sentinelId, sentinels);
    let isGranted = false;
    try {
      const heard = await this.votes(request);
      const result = tally([...heard, this.voteOn(request)], sentinelId, sentinels);
      this.tellMinority(nodeId, new Set([sentinelId, ...heard.map((one) => one.sentinelId)]).size);
      isGranted = result.granted;
      if (isGranted) this.acting.add(nodeId);
      return result;
    } finally {
      // Who got no majority keeps nobody else from one.
      if (!isGranted) this.takeBack(nodeId);
    }
  }

  /** The fence of a node that {@link ask} has granted has its result. */
  done(nodeId: string): void {
    this.acting.delete(nodeId);
    this.takeBack(nodeId);
  }

  /** The other sentinels that neither suspect this life nor have it down, of those that answer. */
  async objectors(nodeId: string, incarnation: string): Promise<readonly string[]> {
    const { sentinelId } = this.options;
    const said = await this.votes({
      ...{ type: 'VoteRequest', nodeId, incarnation, askedBy: sentinelId, opinionOnly: true },
    });
    const others = said.filter((one) => one.sentinelId !== sentinelId && !one.suspects && !one.down);
    return [...new Set(others.map((one) => one.sentinelId))].sort();
  }

  private async votes(request: VoteRequest): Promise<readonly Vote[]> {
    const { sentinels, timeoutMs, bus } = this.options;
    if (this.isAlone) return [];
    const heard = await bus.requestMany(subjects.sentinelVote, request, vote, sentinels, timeoutMs);
    return heard.filter((one) => one.nodeId === request.nodeId && one.incarnation === request.incarnation);
  }

  private tellMinority(nodeId: string, voters: number): void {
    const { sentinels, log } = this.options;
    if (voters >= quorumOf(sentinels)) {
      this.minorityTold.delete(nodeId);
      return;
    }
    if (this.minorityTold.has(nodeId)) return;
    this.minorityTold.add(nodeId);
    log.error({ nodeId, voters, sentinels }, 'a minority of the sentinels answers: it declares nobody dead');
  }

  /** Frees this sentinel's own voice where it has it, save while it acts with it. */
  private takeBack(nodeId: string): void {
    if (this.acting.has(nodeId)) return;
    if (this.given.get(nodeId)?.to === this.options.sentinelId) this.given.delete(nodeId);
  }

  private voteOn({ nodeId, incarnation, askedBy, opinionOnly }: VoteRequest): Vote {
    const { sentinelId, view } = this.options;
    const fencing = this.acting.has(nodeId);
    const own = view(nodeId, incarnation);
    const suspects = own.suspects && (opinionOnly === true || (!fencing && this.give(nodeId, askedBy)));
    return { type: 'Vote', sentinelId, nodeId, incarnation, fencing, ...own, suspects };
  }

  /**
   * Gives this sentinel's voice, unless another has it. One that it has given to itself, and not acted on yet, it gives to
   * whoever comes first by name: of two who ask at the same time one goes on.
   * @returns whether the asker has it now.
   */
  private give(nodeId: string, to: string): boolean {
    const { sentinelId, timeoutMs, mono } = this.options;
    const before = this.given.get(nodeId);
    const isFree = before === undefined || before.until <= mono() || before.to === to;
    const givesWay = before?.to === sentinelId && to < sentinelId;
    if (!isFree && !givesWay) return false;
    this.given.set(nodeId, { to, until: mono() + HELD_FOR_VOTES * timeoutMs });
    return true;
  }
}
