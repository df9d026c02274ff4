import type { Random } from '../world/random.js';
import type { Trace } from '../world/trace.js';

/** A life of an Asterisk, as far as a phone has to do with it. */
export interface Speaker {
  readonly nodeId: string;
  readonly incarnation: string;
  /** The ground truth: whether its process can still send anything. */
  readonly isAlive: () => boolean;
  /** Virtual ms; null while it lives. */
  readonly diedAt: number | null;
}

/** What a phone answers: 0 for nothing at all. */
export interface Answer {
  readonly status: number;
  readonly afterMs: number;
  readonly retryAfterS: number | null;
}

/** A re-INVITE as the phone saw it. Times are virtual ms. */
export interface ReInvite {
  readonly at: number;
  readonly from: Speaker;
  readonly channelId: string;
  readonly cseq: number;
  /** Final answer; null while there is none. */
  status: number | null;
  answeredAt: number | null;
  /** CANCEL came before the answer. */
  cancelled: boolean;
  /** The phone never answers it, not even a CANCEL. */
  silent: boolean;
}

/** How phones behave in a run. */
export type Manners = Readonly<
  Record<'answers' | 'slow' | '491' | '500' | '503' | '488' | '486' | '408' | 'silent', number>
>;

/** What our side had used in the dialog before the run looked. */
const FIRST_CSEQ = 10;

/** A phone in one dialog: what it saw, and what it answers. It knows nothing of Reinvite. */
export class Phone {
  readonly reinvites: ReInvite[] = [];
  owner: Speaker;
  /** Its call is one that kills whatever takes it, so many ms after its 200; null where it is not. */
  killsAfterMs: number | null = null;
  /** When it hung up, virtual ms. */
  endedAt: number | null = null;
  /** As captures show it: the highest CSeq that our side has used in the dialog, and the node that used it. */
  spokenFor: { readonly nodeId: string; readonly cseq: number };
  /** When a living Asterisk heard its BYE, epoch ms; null where none has. */
  byeHeardAt: number | null = null;
  private pending: ReInvite | null = null;
  private highestCseq = FIRST_CSEQ;

  constructor(
    readonly name: string,
    readonly sipCallId: string,
    owner: Speaker,
    private readonly random: Random,
    private readonly trace: Trace,
    private readonly now: () => number,
    private readonly manners: Manners,
  ) {
    this.owner = owner;
    this.spokenFor = { nodeId: owner.nodeId, cseq: FIRST_CSEQ };
  }

  /** An Asterisk sends a request in the dialog; whether it arrives is another matter. */
  sentBy(nodeId: string, cseq: number): void {
    if (cseq > this.spokenFor.cseq) this.spokenFor = { nodeId, cseq };
  }

  /** A re-INVITE arrives. `reply` is called with each final answer that leaves the phone. */
  onInvite(from: Speaker, channelId: string, cseq: number, reply: (answer: Answer) => void): void {
    const invite: ReInvite = {
      at: this.now(),
      from,
      channelId,
      cseq,
      status: null,
      answeredAt: null,
      cancelled: false,
      silent: false,
    };
    this.reinvites.push(invite);
    this.trace.note(this.name, `INVITE ${cseq} from ${from.nodeId} for ${channelId}`);
    const answer = this.answerTo(cseq);
    invite.silent = answer.status === 0;
    if (invite.silent) return;
    this.pending = invite;
    setTimeout(() => {
      if (invite.status !== null) return;
      this.finish(invite, answer.status, reply, answer);
    }, answer.afterMs);
  }

  onCancel(channelId: string, reply: (answer: Answer) => void): void {
    const invite = this.reinvites.find((one) => one.channelId === channelId);
    if (invite === undefined) return;
    // Also where its answer has not reached whoever cancels: that node acknowledges it, and says nothing more.
    invite.cancelled = true;
    if (invite.silent || invite.status !== null) return;
    this.finish(invite, 487, reply, { status: 487, afterMs: 0, retryAfterS: null });
  }

  hangUp(): void {
    if (this.endedAt !== null) return;
    this.endedAt = this.now();
    this.trace.note(this.name, 'hangs up');
  }

  private finish(invite: ReInvite, status: number, reply: (answer: Answer) => void, answer: Answer): void {
    invite.status = status;
    invite.answeredAt = this.now();
    if (this.pending === invite) this.pending = null;
    if (status === 200) this.owner = invite.from;
    // RFC 3261 section 12.2.1.2: after these the dialog is over.
    if (status === 481 || status === 408) this.endedAt ??= this.now();
    this.trace.note(this.name, `${status} to ${invite.channelId}`);
    reply({ ...answer, status });
  }

  private answerTo(cseq: number): Answer {
    const { random } = this;
    const soon = random.int(5, 250);
    const plain = (status: number, retryAfterS: number | null = null): Answer => ({
      status,
      afterMs: soon,
      retryAfterS,
    });
    if (this.endedAt !== null) return plain(481);
    // RFC 3261 section 12.2.2.
    if (cseq <= this.highestCseq) return plain(500);
    this.highestCseq = cseq;
    if (this.pending !== null) return plain(500, random.int(0, 2));
    switch (random.weighted(this.manners)) {
      case 'answers':
        return plain(200);
      case 'slow':
        return { status: 200, afterMs: random.int(500, 3_500), retryAfterS: null };
      case '491':
        return plain(491);
      case '500':
        return plain(500, random.chance(0.5) ? random.int(0, 3) : null);
      case '503':
        return plain(503, random.chance(0.5) ? random.int(0, 3) : null);
      case '488':
        return plain(488);
      case '486':
        return plain(486);
      case '408':
        return plain(408);
      case 'silent':
        return { status: 0, afterMs: 0, retryAfterS: null };
    }
  }
}
