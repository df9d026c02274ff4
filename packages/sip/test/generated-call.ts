import fc from 'fast-check';
import type { Observed } from '../src/dialog/observe.js';
import { capture, sipText, type MessageParts } from './messages.js';
import { sdp } from './sdp.js';

/** What may happen in a call after it is set up. */
const STEPS = [
  'we hold',
  'they hold',
  'we are refused',
  'they are refused',
  'our UPDATE is refused',
  'our offer in an UPDATE is refused',
  'they move by re-INVITE',
  'they move by UPDATE',
  'they move in an answer',
  'we refresh by UPDATE',
  'they refresh by UPDATE',
  'we change the timer',
  'they change the timer',
  'INFO',
  'their INFO',
  'a crash',
] as const;
type Step = (typeof STEPS)[number];

export interface Script {
  readonly role: 'uac' | 'uas';
  readonly isChallenged: boolean;
  readonly offer: 'INVITE' | 'reliable' | '2xx' | 'PRACK';
  /** Other early dialogs of the INVITE. */
  readonly forks: number;
  readonly timer: string | null;
  readonly steps: readonly Step[];
  readonly end: 'none' | 'ours' | 'theirs';
  /** How far the clock of each further node is off, ms: less than there is between two transactions. */
  readonly skewMs: number;
}

export const script: fc.Arbitrary<Script> = fc.record({
  role: fc.constantFrom('uac', 'uas'),
  isChallenged: fc.boolean(),
  offer: fc.constantFrom('INVITE', 'reliable', '2xx', 'PRACK'),
  forks: fc.nat(2),
  timer: fc.constantFrom(null, '1800;refresher=uac', '600;refresher=uas'),
  steps: fc.array(fc.constantFrom(...STEPS), { maxLength: 7 }),
  end: fc.constantFrom('none', 'none', 'ours', 'theirs'),
  skewMs: fc.integer({ min: -45, max: 4_000 }),
});

export interface Played {
  readonly observed: Observed;
  /** Messages of one transaction share it. */
  readonly transaction: string;
}

/** What the dialog is, by the script alone. */
export interface Truth {
  remoteTarget: string;
  routeSet: string[];
  localCSeq: number;
  remoteCSeq: number;
  nodeId: string;
  ours: [version: string, direction: string];
  theirs: [version: string, direction: string];
  timer: { intervalS: number; refresher: 'local' | 'remote' } | null;
  state: 'confirmed' | 'ended';
}

type Side = 'we' | 'they';

/** Plays a script as Asterisk and a phone would, and keeps what a recovery would have to know. */
class Play {
  readonly played: Played[] = [];
  /** The messages as they were on the wire. */
  readonly texts: string[] = [];
  readonly truth: Truth;
  private at = 0;
  private node = 1;
  /** Of the offers that each side has made, refused ones too. */
  private versions = { we: 0, they: 0 };

  constructor(private readonly script: Script) {
    this.truth = {
      remoteTarget: 'sip:phone@192.0.2.9:1',
      routeSet: ['<sip:edge;lr>', '<sip:outer;lr>'],
      localCSeq: script.role === 'uac' ? 100 : 0,
      remoteCSeq: script.role === 'uac' ? 0 : 7,
      nodeId: 'ast1',
      ours: ['', ''],
      theirs: ['', ''],
      timer: null,
      state: 'confirmed',
    };
  }

  run(): this {
    this.setUp();
    for (const step of this.script.steps) this.step(step);
    if (this.script.end !== 'none') {
      const side = this.script.end === 'ours' ? 'we' : 'they';
      this.transact(side, 'BYE', {}, 200, {});
      this.truth.state = 'ended';
    }
    return this;
  }

  private setUp(): void {
    const { role, isChallenged, offer, forks, timer } = this.script;
    const [asker, answerer]: [Side, Side] = role === 'uac' ? ['we', 'they'] : ['they', 'we'];
    if (isChallenged) {
      const offered = offer === 'INVITE' || offer === 'reliable' ? this.says(asker, 'sendrecv') : {};
      this.request(asker, 'INVITE', { ...offered, ...this.creating(asker) }, false);
      this.answer(asker, 'INVITE', { status: 407 }, 'challenge');
      this.count(asker);
    }
    const isEarlyOffer = offer === 'INVITE' || offer === 'reliable';
    const offered = isEarlyOffer ? this.agrees(asker, 'sendrecv') : {};
    this.request(asker, 'INVITE', { ...offered, ...this.creating(asker) }, false);
    const invite = role === 'uac' ? this.truth.localCSeq : this.truth.remoteCSeq;
    for (let fork = 0; fork < forks; fork += 1)
      this.answer(asker, 'INVITE', { status: 180, ...this.recorded(answerer) }, `fork${fork}`);
    const reliable = { headers: ['Require: 100rel', 'RSeq: 1'] };
    let inAnswer = {};
    if (offer === 'reliable' || offer === 'PRACK') {
      const answered = this.agrees(answerer, 'sendrecv');
      this.answer(asker, 'INVITE', { status: 183, ...answered, ...reliable, ...this.recorded(answerer) });
      const acked = offer === 'PRACK' ? this.agrees(asker, 'sendrecv') : {};
      this.count(asker);
      this.request(asker, 'PRACK', { ...acked, headers: [`RAck: 1 ${invite} INVITE`] });
      this.answer(asker, 'PRACK', { status: 200 });
    } else inAnswer = this.agrees(answerer, 'sendrecv');
    const headers = timer === null ? [] : [`Session-Expires: ${timer}`];
    this.answer(
      asker,
      'INVITE',
      { status: 200, ...inAnswer, ...this.recorded(answerer), headers },
      undefined,
      invite,
    );
    this.setTimer(asker, timer);
    const acked = offer === '2xx' ? this.agrees(asker, 'sendrecv') : {};
    this.request(asker, 'ACK', acked, true, invite);
  }

  private step(step: Step): void {
    switch (step) {
      case 'we hold':
        return this.reinvite('we', ['sendonly', 'recvonly']);
      case 'they hold':
        return this.reinvite('they', ['sendonly', 'recvonly']);
      case 'we are refused':
        return this.transact('we', 'INVITE', this.says('we', 'inactive'), 488, {});
      case 'our UPDATE is refused':
        return this.transact('we', 'UPDATE', {}, 405, {});
      case 'our offer in an UPDATE is refused':
        return this.transact('we', 'UPDATE', this.says('we', 'inactive'), 501, {});
      case 'they are refused':
        return this.transact(
          'they',
          'INVITE',
          { ...this.says('they', 'inactive'), contact: '<sip:refused@x>' },
          491,
          {},
        );
      case 'they move by re-INVITE':
        this.move();
        return this.reinvite('they', ['sendrecv', 'sendrecv']);
      case 'they move by UPDATE':
        this.move();
        return this.refresh('they', null);
      case 'they move in an answer':
        this.move();
        return this.reinvite('we', ['sendrecv', 'sendrecv']);
      case 'we refresh by UPDATE':
        return this.refresh('we', null);
      case 'they refresh by UPDATE':
        return this.refresh('they', null);
      case 'we change the timer':
        return this.reinvite('we', ['sendrecv', 'sendrecv'], '90;refresher=uac');
      case 'they change the timer':
        return this.reinvite('they', ['sendrecv', 'sendrecv'], '1200;refresher=uac');
      case 'INFO':
        return this.transact('we', 'INFO', {}, 200, {});
      case 'their INFO':
        return this.transact('they', 'INFO', {}, 200, {});
      case 'a crash':
        this.node += 1;
        this.truth.nodeId = `ast${this.node}`;
        this.truth.localCSeq += 9;
        return this.reinvite('we', ['sendrecv', 'sendrecv']);
    }
  }

  private move(): void {
    const [, port] = this.truth.remoteTarget.split(':').slice(1);
    this.truth.remoteTarget = `sip:phone@192.0.2.9:${Number(port) + 1}`;
  }

  private reinvite(
    side: Side,
    directions: readonly [string, string],
    timer: string | null = this.script.timer,
  ): void {
    const other = side === 'we' ? 'they' : 'we';
    const headers = timer === null ? [] : [`Session-Expires: ${timer}`];
    const asks = { ...this.agrees(side, directions[0]), contact: this.contactOf(side), headers };
    const answers = { ...this.agrees(other, directions[1]), contact: this.contactOf(other), headers };
    this.transact(side, 'INVITE', asks, 200, answers);
    this.setTimer(side, timer);
  }

  /** Without a session, as a session timer is refreshed. */
  private refresh(side: Side, timer: string | null): void {
    const other = side === 'we' ? 'they' : 'we';
    this.transact(side, 'UPDATE', { contact: this.contactOf(side) }, 200, { contact: this.contactOf(other) });
    this.setTimer(side, timer);
  }

  private setTimer(asker: Side, timer: string | null): void {
    const [, seconds, refresher] = /^(\d+);refresher=(\w+)$/.exec(timer ?? '') ?? [];
    const isAsker = refresher === 'uac';
    this.truth.timer =
      seconds === undefined
        ? null
        : { intervalS: Number(seconds), refresher: (asker === 'we') === isAsker ? 'local' : 'remote' };
  }

  private transact(
    side: Side,
    method: string,
    asks: Partial<MessageParts>,
    status: number,
    answers: Partial<MessageParts>,
  ): void {
    this.count(side);
    this.request(side, method, asks);
    this.answer(side, method, { status, ...answers });
  }

  private count(side: Side): void {
    if (side === 'we') this.truth.localCSeq += 1;
    else this.truth.remoteCSeq += 1;
  }

  /** A description that comes to nothing. */
  private says(side: Side, direction: string): { sdp: string } {
    this.versions[side] += 1;
    const version = this.versions[side];
    if (side === 'we' && this.truth.ours[0] !== '') this.truth.ours[0] = String(version);
    return {
      sdp: sdp({ id: side, version, direction }).replace(/o=- \w+/, `o=- ${side === 'we' ? 100 : 200}`),
    };
  }

  /** One that becomes part of the session. */
  private agrees(side: Side, direction: string): { sdp: string } {
    const said = this.says(side, direction);
    this.truth[side === 'we' ? 'ours' : 'theirs'] = [String(this.versions[side]), direction];
    return said;
  }

  private contactOf(side: Side): string {
    return side === 'we' ? `<sip:10.77.0.1${this.node}>` : `<${this.truth.remoteTarget}>`;
  }

  /** What an INVITE that creates a dialog carries, at Asterisk. */
  private creating(side: Side): Partial<MessageParts> {
    return {
      contact: this.contactOf(side),
      ...(side === 'they' ? { recordRoute: this.truth.routeSet } : {}),
    };
  }

  /** What an answer that creates one carries. */
  private recorded(side: Side): Partial<MessageParts> {
    const recordRoute = side === 'they' ? this.truth.routeSet.toReversed() : this.truth.routeSet;
    return { contact: this.contactOf(side), recordRoute };
  }

  private request(
    side: Side,
    method: string,
    parts: Partial<MessageParts>,
    inDialog = true,
    cseq?: number,
  ): void {
    const routes =
      side === 'we' && inDialog ? { route: this.truth.routeSet, requestUri: this.truth.remoteTarget } : {};
    this.capture(side, side, inDialog ? 'peer' : '', method, { ...routes, ...parts }, cseq);
  }

  private answer(
    asker: Side,
    method: string,
    parts: Partial<MessageParts>,
    tag = 'peer',
    cseq?: number,
  ): void {
    this.capture(asker, asker === 'we' ? 'they' : 'we', tag, method, parts, cseq);
  }

  private capture(
    asker: Side,
    speaker: Side,
    tag: string,
    method: string,
    parts: Partial<MessageParts>,
    cseq = asker === 'we' ? this.truth.localCSeq : this.truth.remoteCSeq,
  ): void {
    // The side that sent the INVITE has its tag from the start.
    const we = `<sip:app@x>;tag=ours`;
    const they = `<sip:phone@y>;tag=theirs`;
    const second = this.script.role === 'uac' ? they : we;
    const from = asker === 'we' ? we : they;
    const to = asker === 'we' ? they : we;
    const untagged = (value: string): string => value.replace(/;tag=.*/, tag === '' ? '' : `;tag=${tag}`);
    const shown = (value: string): string => (value === second && tag !== 'peer' ? untagged(value) : value);
    this.at += 50;
    const skew = this.node === 1 ? 0 : this.script.skewMs;
    const full = { from: shown(from), to: shown(to), cseq: `${cseq} ${method}`, ...parts };
    this.texts.push(sipText(full));
    this.played.push({
      observed: capture(
        speaker === 'we' ? 'sent' : 'received',
        10_000 + this.at + skew,
        full,
        this.truth.nodeId,
      ),
      transaction: `${asker} ${cseq} ${method === 'ACK' ? 'INVITE' : method}`,
    });
  }
}

export function play(one: Script): Pick<Play, 'played' | 'truth' | 'texts'> {
  return new Play(one).run();
}
