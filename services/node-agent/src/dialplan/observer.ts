import type { AmiConnection, AmiPacket } from '@reinvite/ami';
import { isCoded, type Logger } from '@reinvite/runtime';
import type { Life } from '../process/life.js';
import { AmiActivity, type Question } from './ami-activity.js';

/** Events of one conference or queue come together; its list is asked for once they have. */
const ASK_AFTER_MS = 150;

export interface DialplanObserverOptions {
  readonly ami: AmiConnection;
  /** The life whose legs these are; undefined while none is known. */
  readonly life: () => Life | undefined;
  readonly log: Logger;
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

  constructor(private readonly options: DialplanObserverOptions) {}

  /** Listens as long as the connection lives. */
  start(): void {
    const { ami, log } = this.options;
    ami.on('event', (event) => {
      if (this.waiting === undefined) this.take(event);
      else this.waiting.push(event);
    });
    ami.on('down', () => {
      this.waiting = [];
      this.questions.forEach(clearTimeout);
      this.questions.clear();
    });
    ami.on('up', () => {
      this.waiting = [];
      this.synchronize().catch((err: unknown) =>
        log.warn({ err }, 'the state of the dialplan cannot be read'),
      );
    });
  }

  /** The calls of a life are known only now: what was heard before is put on them. */
  tellAll(): void {
    this.tell(this.activity.known);
  }

  private async synchronize(): Promise<void> {
    const before = this.activity.known;
    const entries = [
      ...(await this.list('ParkedCalls')),
      ...(await this.list('QueueStatus')),
      ...(await this.conferences()),
    ];
    if (!this.options.ami.isUp) return;
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    this.activity = new AmiActivity();
    const now = this.options.now();
    for (const entry of entries) this.activity.apply(entry, now);
    this.tell([...before, ...this.activity.known]);
    waiting.forEach((event) => this.take(event));
  }

  private async conferences(): Promise<AmiPacket[]> {
    const rooms = await this.list('ConfbridgeListRooms');
    const names = rooms.flatMap(({ Conference }) => Conference ?? []);
    return (await Promise.all(names.map((name) => this.list('ConfbridgeList', name)))).flat();
  }

  /** Empty also where Asterisk refuses: it says that there is no conference as an error. */
  private async list(action: string, name?: string): Promise<readonly AmiPacket[]> {
    const key = action === 'QueueStatus' ? 'Queue' : 'Conference';
    try {
      return (await this.options.ami.ask(action, name === undefined ? {} : { [key]: name })).listed;
    } catch (err) {
      if (!isCoded(err, 'AMI_REQUEST_FAILED')) throw err;
      this.options.log.debug({ problem: err.message }, 'the manager interface has no list');
      return [];
    }
  }

  private take(event: AmiPacket): void {
    const { changed, ask } = this.activity.apply(event, this.options.now());
    this.tell(changed);
    if (ask !== undefined) this.askLater(ask);
  }

  private askLater({ list, name }: Question): void {
    const key = `${list} ${name}`;
    if (this.questions.has(key)) return;
    const timer = setTimeout(() => {
      this.questions.delete(key);
      this.list(list, name)
        .then((entries) => entries.forEach((entry) => this.take(entry)))
        .catch((err: unknown) => this.options.log.debug({ err }, 'a list was not given'));
    }, ASK_AFTER_MS);
    this.questions.set(key, timer.unref());
  }

  private tell(channelIds: readonly string[]): void {
    const life = this.options.life();
    if (life === undefined) return;
    const at = this.options.now();
    for (const id of new Set(channelIds))
      life.facts.offer(life.picture.legActivity(id, this.activity.of(id), at));
  }
}
