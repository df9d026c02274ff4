import type { AmiConnection, AmiPacket } from '@reinvite/ami';
import { isCoded, retryForever, type Logger } from '@reinvite/runtime';
import type { Life } from '../process/life.js';
import { AmiActivity, type Question } from './ami-activity.js';

/** Events of one conference come together; its list is asked for once they have. A queue's list tells the priority only. */
const ASK_AFTER_MS = { ConfbridgeList: 150, QueueStatus: 1_000 } as const;
/** Everybody in a queue moves when one leaves it, and the place matters only at a crash. */
const TELL_MOVED_MS = 1_000;
/** Both connections end with Asterisk: its last facts are not to be that one of them did. */
const TELL_DEAF_MS = 5_000;

export interface DialplanObserverOptions {
  readonly ami: AmiConnection;
  /** The life whose legs these are; undefined while none is known. */
  readonly life: () => Life | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/**
 * Puts what the manager interface tells of the dialplan's applications on the legs of the life that is there. After each login the
 * state is asked for; what changes meanwhile comes as events, which are applied after it.
 */
export class DialplanObserver {
  private activity = new AmiActivity();
  private waiting: AmiPacket[] | undefined = [];
  private readonly questions = new Map<string, NodeJS.Timeout>();
  private readonly moved = new Set<string>();
  private telling: NodeJS.Timeout | undefined;
  private deaf: NodeJS.Timeout | undefined;
  /** Number of the login. */
  private session = 0;
  /** Since when nothing has been missed, epoch ms; undefined while something is. */
  private heardSince: number | undefined;
  /** The life that what is known is of, where that is known. */
  private incarnation: string | undefined;

  constructor(private readonly options: DialplanObserverOptions) {}

  /** Listens as long as the connection lives. */
  start(): void {
    const { ami, log, signal } = this.options;
    ami.on('event', (event) => {
      if (this.waiting === undefined) this.take(event);
      else this.waiting.push(event);
    });
    ami.on('down', () => {
      this.session += 1;
      this.waiting = [];
      this.questions.forEach(clearTimeout);
      this.questions.clear();
      this.heardSince = undefined;
      clearTimeout(this.deaf);
      this.deaf = setTimeout(() => this.tellSince(), TELL_DEAF_MS).unref();
    });
    ami.on('up', () => {
      this.waiting = [];
      const { session } = this;
      const since = this.options.now();
      const stillUp = (): boolean => this.session === session;
      retryForever(async () => (stillUp() ? this.synchronize(stillUp, since) : undefined), {
        what: 'reading what the dialplan is doing',
        log,
        signal,
      }).catch((err: unknown) => log.debug({ err }, 'what the dialplan is doing is not read'));
    });
  }

  /** The calls of a life are known only now, or anew: what was heard before is put on them. */
  tellAll(): void {
    this.incarnation = this.options.life()?.info.incarnation;
    this.tellSince();
    this.tell(this.activity.known);
  }

  private async synchronize(stillUp: () => boolean, since: number): Promise<void> {
    const entries = [
      ...(await this.list('ParkedCalls')),
      ...(await this.list('QueueStatus')),
      ...(await this.conferences()),
    ];
    if (!stillUp()) return;
    const before = this.activity;
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    this.activity = new AmiActivity();
    const now = this.options.now();
    for (const entry of entries) this.activity.apply(entry, now);
    const life = this.options.life();
    const incarnation = life?.info.incarnation;
    if (life !== undefined && incarnation === this.incarnation)
      this.activity.keepFrom(before, (id) => life.picture.hasLeg(id));
    this.incarnation = incarnation;
    this.heardSince = since;
    clearTimeout(this.deaf);
    this.tellSince();
    this.tell([...before.known, ...this.activity.known]);
    waiting.forEach((event) => this.take(event));
  }

  private async conferences(): Promise<AmiPacket[]> {
    const rooms = await this.list('ConfbridgeListRooms');
    const names = rooms.flatMap(({ Conference }) => Conference ?? []);
    return (await Promise.all(names.map((name) => this.list('ConfbridgeList', name)))).flat();
  }

  /** Empty also where Asterisk refuses: it says that there is no conference as an error. */
  private async list(action: string, name?: string): Promise<readonly AmiPacket[]> {
    try {
      return (await this.options.ami.ask(action, listed(action, name))).listed;
    } catch (err) {
      if (!isCoded(err, 'AMI_REQUEST_FAILED')) throw err;
      this.options.log.debug({ problem: err.message }, 'the manager interface has no list');
      return [];
    }
  }

  private take(event: AmiPacket): void {
    const { changed, moved = [], ask } = this.activity.apply(event, this.options.now());
    this.tell(changed);
    for (const id of moved) this.moved.add(id);
    if (this.moved.size > 0) this.telling ??= setTimeout(() => this.tellMoved(), TELL_MOVED_MS).unref();
    if (ask !== undefined) this.askLater(ask);
  }

  private tellMoved(): void {
    this.telling = undefined;
    this.tell([...this.moved]);
    this.moved.clear();
  }

  private askLater(question: Question): void {
    const { list, name } = question;
    const key = `${list} ${name}`;
    if (this.questions.has(key)) return;
    const timer = setTimeout(() => {
      this.questions.delete(key);
      this.options.ami
        .ask(list, listed(list, name))
        .then(({ listed: entries }) =>
          this.tell(this.activity.replace(question, entriesOf(question, entries), this.options.now())),
        )
        .catch((err: unknown) => this.options.log.debug({ err }, 'a list was not given'));
    }, ASK_AFTER_MS[list]);
    this.questions.set(key, timer.unref());
  }

  private tellSince(): void {
    const life = this.options.life();
    life?.facts.offer(life.picture.hearsMusicSince(this.heardSince, this.options.now()));
  }

  private tell(channelIds: readonly string[]): void {
    const life = this.options.life();
    if (life === undefined) return;
    const at = this.options.now();
    for (const id of new Set(channelIds))
      life.facts.offer(life.picture.legActivity(id, this.activity.of(id), at));
  }
}

/** What an action that lists is told. */
function listed(action: string, name: string | undefined): Record<string, string> {
  if (name === undefined) return {};
  return action === 'QueueStatus' ? { Queue: name } : { Conference: name };
}

/** A queue's list tells the queue and its members as well. */
function entriesOf({ list }: Question, entries: readonly AmiPacket[]): AmiPacket[] {
  const wanted = list === 'QueueStatus' ? 'QueueEntry' : 'ConfbridgeList';
  return entries.filter(({ Event }) => Event === wanted);
}
