import type { AmiPacket } from '@reinvite/ami';
import type { ConferenceActivity, LegActivity, ParkedActivity, QueueActivity } from '@reinvite/domain';

/** What the manager interface tells of a leg. */
export type AmiPart = Pick<LegActivity, 'musicOnHold' | 'conference' | 'parked' | 'queue'>;

/** What is worth asking for after an event, because the event does not tell all of it. */
export interface Question {
  readonly list: 'ConfbridgeList' | 'QueueStatus';
  /** Name of the conference or queue. */
  readonly name: string;
}

/** What an event has changed. */
export interface Heard {
  /** Channel ids (AMI's `Uniqueid`). */
  readonly changed: readonly string[];
  /** Those whose place in their queue has changed, and nothing else. */
  readonly moved?: readonly string[];
  readonly ask?: Question;
}

const NOTHING: Heard = { changed: [] };
const MAX_DIGITS = 9;

/**
 * What legs are doing in the applications of the dialplan, as the manager interface tells it. Pure bookkeeping.
 *
 * 1. An event or a list entry that lacks something, or has something else in its place, changes nothing.
 * 2. A queue tells each caller's place when it joins and leaves; those behind move with it. An event that a list was ahead of moves
 *    nobody, and a list says who is there.
 * 3. Legs are known by their channel ids; one that has hung up is forgotten.
 */
export class AmiActivity {
  private readonly parts = new Map<string, AmiPart>();

  /** Takes an event in. @param at when it came, epoch ms */
  apply(event: AmiPacket, at: number): Heard {
    switch (event['Event']) {
      case 'MusicOnHoldStart':
        return this.set(event['Uniqueid'], 'musicOnHold', event['Class'] || 'default');
      case 'MusicOnHoldStop':
        return this.set(event['Uniqueid'], 'musicOnHold', undefined);
      case 'ConfbridgeJoin': {
        const name = event['Conference'] ?? '';
        return {
          ...this.conference(event),
          ...(name === '' ? {} : { ask: { list: 'ConfbridgeList', name } }),
        };
      }
      case 'ConfbridgeList':
        return this.conference(event);
      case 'ConfbridgeLeave':
        return this.set(event['Uniqueid'], 'conference', undefined);
      case 'ConfbridgeMute':
      case 'ConfbridgeUnmute':
        return this.muted(event['Uniqueid'], event['Event'] === 'ConfbridgeMute');
      case 'ParkedCall':
      case 'ParkedCallSwap':
        return this.set(event['ParkeeUniqueid'], 'parked', parkedOf(event, at));
      case 'UnParkedCall':
      case 'ParkedCallTimeOut':
      case 'ParkedCallGiveUp':
        return this.set(event['ParkeeUniqueid'], 'parked', undefined);
      case 'QueueCallerJoin':
        return this.joins(event, at);
      case 'QueueEntry':
        return this.waits(event, at);
      case 'QueueCallerLeave':
        return this.leaves(event);
      case 'AgentConnect':
        return this.connected(event, at);
      case 'AgentComplete':
        return this.set(event['Uniqueid'], 'queue', undefined);
      case 'Hangup':
        this.parts.delete(event['Uniqueid'] ?? '');
        return NOTHING;
      default:
        return NOTHING;
    }
  }

  /**
   * Takes in a list as a whole: who is in the conference or queue, and nobody else.
   * @param at when it came, epoch ms. @returns the channel ids that it has changed.
   */
  replace({ list, name }: Question, entries: readonly AmiPacket[], at: number): string[] {
    const key = list === 'QueueStatus' ? 'queue' : 'conference';
    const there = new Set(entries.map(({ Uniqueid }) => Uniqueid));
    const gone = [...this.parts].flatMap(([id, part]) =>
      part[key]?.name === name && !there.has(id) && !(key === 'queue' && part.queue?.position === undefined)
        ? [id]
        : [],
    );
    return [
      ...gone.flatMap((id) => this.set(id, key, undefined).changed),
      ...entries.flatMap((entry) => this.apply(entry, at).changed),
    ];
  }

  /**
   * What no list tells, of channels that were known before: music on hold, and who talks to a member of a queue.
   * @param isThere whether a channel lives: of one that hung up meanwhile nothing tells it.
   */
  keepFrom(before: AmiActivity, isThere: (channelId: string) => boolean): void {
    for (const [id, { musicOnHold, queue }] of before.parts) {
      if (!isThere(id)) continue;
      if (musicOnHold !== undefined) this.set(id, 'musicOnHold', musicOnHold);
      const own = this.parts.get(id)?.queue;
      if (queue !== undefined && queue.position === undefined && own === undefined)
        this.set(id, 'queue', queue);
    }
  }

  /** Undefined where nothing is known. */
  of(channelId: string): AmiPart | undefined {
    return this.parts.get(channelId);
  }

  /** Channel ids of which something is known. */
  get known(): string[] {
    return [...this.parts.keys()];
  }

  private conference(packet: AmiPacket): Heard {
    const { Uniqueid, Conference: name = '' } = packet;
    if (Uniqueid === undefined || name === '') return NOTHING;
    const before = this.parts.get(Uniqueid)?.conference;
    const told: ConferenceActivity = {
      name,
      ...flag(packet, 'Admin', 'admin'),
      ...flag(packet, 'MarkedUser', 'marked'),
      ...flag(packet, 'WaitMarked', 'waitMarked'),
      ...flag(packet, 'EndMarked', 'endMarked'),
      ...flag(packet, 'Muted', 'muted'),
    };
    return this.set(Uniqueid, 'conference', before?.name === name ? { ...before, ...told } : told);
  }

  private muted(id: string | undefined, muted: boolean): Heard {
    const known = id === undefined ? undefined : this.parts.get(id)?.conference;
    return known === undefined ? NOTHING : this.set(id, 'conference', { ...known, muted });
  }

  private joins(event: AmiPacket, at: number): Heard {
    const { Uniqueid, Queue: name = '' } = event;
    const position = positionOf(event);
    if (Uniqueid === undefined || name === '' || position === undefined) return NOTHING;
    const ask = { list: 'QueueStatus', name } as const;
    if (this.parts.get(Uniqueid)?.queue?.name === name) return { changed: [], ask };
    const moved = this.move(name, (one) => (one >= position ? one + 1 : one));
    const { changed } = this.set(Uniqueid, 'queue', { name, position, joinedAt: at });
    return { changed, moved, ask };
  }

  private waits(entry: AmiPacket, at: number): Heard {
    const { Uniqueid, Queue: name = '' } = entry;
    const position = positionOf(entry);
    const waited = numberOf(entry['Wait']) ?? 0;
    if (Uniqueid === undefined || name === '' || position === undefined) return NOTHING;
    const before = this.parts.get(Uniqueid)?.queue;
    // A list counts whole seconds.
    const joinedAt = before?.name === name ? before.joinedAt : at - waited * 1_000;
    const priority = numberOf(entry['Priority']);
    const queue: QueueActivity = {
      name,
      position,
      joinedAt,
      ...(priority === undefined ? {} : { priority }),
    };
    return this.set(Uniqueid, 'queue', queue);
  }

  private leaves(event: AmiPacket): Heard {
    const { Uniqueid, Queue: name = '' } = event;
    const known = this.parts.get(Uniqueid ?? '')?.queue;
    if (known?.name !== name) return NOTHING;
    const position = known.position ?? positionOf(event);
    const { changed } = this.set(Uniqueid, 'queue', undefined);
    const moved = position === undefined ? [] : this.move(name, (one) => (one > position ? one - 1 : one));
    return { changed, moved };
  }

  private connected(event: AmiPacket, at: number): Heard {
    const { Uniqueid, Queue: name = '' } = event;
    if (name === '') return NOTHING;
    const held = (numberOf(event['HoldTime']) ?? 0) * 1_000;
    return this.set(Uniqueid, 'queue', { name, joinedAt: at - held });
  }

  private move(name: string, to: (position: number) => number): string[] {
    const moved: string[] = [];
    for (const [id, part] of this.parts) {
      const { queue } = part;
      if (queue?.name !== name || queue.position === undefined) continue;
      const position = to(queue.position);
      if (position === queue.position) continue;
      this.parts.set(id, { ...part, queue: { ...queue, position } });
      moved.push(id);
    }
    return moved;
  }

  private set<K extends keyof AmiPart>(id: string | undefined, key: K, value: AmiPart[K] | undefined): Heard {
    if (id === undefined || id === '') return NOTHING;
    const { [key]: before, ...rest } = this.parts.get(id) ?? {};
    if (before === undefined && value === undefined) return NOTHING;
    const part = value === undefined ? rest : { ...rest, [key]: value };
    if (Object.keys(part).length === 0) this.parts.delete(id);
    else this.parts.set(id, part);
    return { changed: [id] };
  }
}

function parkedOf(event: AmiPacket, at: number): ParkedActivity | undefined {
  const { Parkinglot: lot = '', ParkingSpace: space = '', ParkerDialString: parker = '' } = event;
  const left = event['ParkingTimeout'];
  if (lot === '' || space === '' || left === undefined || !/^\d{1,20}$/.test(left)) return undefined;
  const parkedFor = numberOf(event['ParkingDuration']) ?? 0;
  // What is left is told; of a call that is never called back that is less than nothing, printed as a number without a sign.
  const timeoutS = left.length > MAX_DIGITS ? 0 : Number(left) + parkedFor;
  return { lot, space, timeoutS: left === '0' ? 0 : timeoutS, parker, parkedAt: at - parkedFor * 1_000 };
}

function flag<K extends string>(packet: AmiPacket, header: string, name: K): Partial<Record<K, boolean>> {
  const value = packet[header];
  if (value !== 'Yes' && value !== 'No') return {};
  const told: Partial<Record<K, boolean>> = {};
  told[name] = value === 'Yes';
  return told;
}

function positionOf(packet: AmiPacket): number | undefined {
  const position = numberOf(packet['Position']);
  return position === undefined || position < 1 ? undefined : position;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && text.length <= MAX_DIGITS && /^\d+$/.test(text) ? Number(text) : undefined;
}
