import type { AriChannel, AriEvent, AriEventOf } from '@reinvite/ari';
import type { BridgeActivity, LegActivity, PlaybackActivity, RecordingActivity } from '@reinvite/domain';
import { rolesOf, VariableBook, type Answers } from './variables.js';

/** A leg by its channel id, or a bridge. */
export interface Target {
  readonly kind: 'leg' | 'bridge';
  readonly id: string;
}

type Playing = PlaybackActivity & { /** Between two media of its list. */ readonly isBetween: boolean };

/** What goes on at one target. */
interface Going {
  readonly playbacks: Map<string, Playing>;
  readonly recordings: Map<string, RecordingActivity>;
  held: LegActivity['held'];
  unseenBefore: number | undefined;
}

/** What of that which was known still goes on, after events may have been missed. */
export interface StillGoing {
  /** Playback ids. */
  readonly playbacks: ReadonlySet<string>;
  /** Names of recordings. */
  readonly recordings: ReadonlySet<string>;
}

/**
 * What legs and bridges are doing, as ARI's events tell it: playbacks, recordings, hold, chosen variables. Pure bookkeeping.
 *
 * 1. ARI tells each medium of a playback when it begins, with the one after it; it cannot list playbacks, nor say how far one is.
 * 2. A playback that is paused is told by nothing, its going on by a second `PlaybackStarted` of the same medium: it keeps its start, and
 *    so counts the pause as heard.
 * 3. Of what began before we listened nothing is known: `unseenBefore` says so.
 */
export class AriActivity {
  private readonly legs = new Map<string, Going>();
  private readonly bridges = new Map<string, Going>();
  private readonly variables: VariableBook;

  /**
   * @param variables names of channel variables that are told, without the underscores of those that are inherited.
   * @param hasEnded whether a channel or bridge is gone: of some an event comes after their end, which nobody would forget.
   */
  constructor(
    variables: readonly string[] = [],
    private readonly hasEnded: (id: string) => boolean = () => false,
  ) {
    this.variables = new VariableBook(variables);
  }

  /** Takes an event in. @returns the target whose activity it has changed, where it has. */
  apply(event: AriEvent): Target | undefined {
    switch (event.type) {
      case 'PlaybackStarted':
        return this.playbackStarted(event);
      case 'PlaybackContinuing':
        return this.playback(event, (playbacks, before) => {
          if (before !== undefined) playbacks.set(before.id, { ...before, isBetween: true });
        });
      case 'PlaybackFinished':
        return this.playback(event, (playbacks) => playbacks.delete(event.playback.id));
      case 'RecordingStarted':
        return this.recordingStarted(event);
      case 'RecordingFinished':
      case 'RecordingFailed':
        return this.changed(event.recording.target_uri, (going) =>
          going.recordings.delete(event.recording.name),
        );
      case 'ChannelHold': {
        const held = { musicClass: event.musicclass, since: event.timestamp };
        return this.changed(legUri(event.channel), (going) => (going.held = held));
      }
      case 'ChannelUnhold':
        return this.changed(legUri(event.channel), (going) => (going.held = undefined));
      case 'ChannelVarset':
        return event.channel === undefined
          ? undefined
          : this.variableSet(event.channel.id, event.variable, event.value);
      case 'ChannelDestroyed':
        this.legs.delete(event.channel.id);
        this.variables.forget(event.channel.id);
        return undefined;
      case 'BridgeDestroyed':
        this.bridges.delete(event.bridge.id);
        return undefined;
      default:
        return undefined;
    }
  }

  /** What a leg is doing; undefined where that is nothing. */
  leg(channelId: string): LegActivity | undefined {
    const going = this.legs.get(channelId);
    const variables = this.variables.of(channelId);
    const held = going?.held === undefined ? {} : { held: going.held };
    const said = variables === undefined ? {} : { variables, ...rolesOf(variables) };
    return orNothing({ ...heard(going), ...held, ...said });
  }

  /** What a bridge is doing; undefined where that is nothing. */
  bridge(bridgeId: string): BridgeActivity | undefined {
    return orNothing(heard(this.bridges.get(bridgeId)));
  }

  /** Names of the variables that are told, without underscores. */
  get wanted(): ReadonlySet<string> {
    return this.variables.names;
  }

  /** Playbacks and recordings that are known to go on. */
  get going(): StillGoing {
    const all = [...this.legs.values(), ...this.bridges.values()];
    return {
      playbacks: new Set(all.flatMap(({ playbacks }) => [...playbacks.keys()])),
      recordings: new Set(all.flatMap(({ recordings }) => [...recordings.keys()])),
    };
  }

  /**
   * Events may have been missed until `at`: of what is there then only what still goes on is kept, and nobody knows what began meanwhile.
   * @param variables {@link wanted} as they are by now, by channel id.
   */
  resync(
    targets: readonly Target[],
    still: StillGoing,
    variables: ReadonlyMap<string, Answers>,
    at: number,
  ): void {
    this.variables.resync(new Set(targets.map(({ id }) => id)), variables);
    const there = new Set(targets.map(({ kind, id }) => `${kind} ${id}`));
    for (const [kind, book] of [['leg', this.legs] as const, ['bridge', this.bridges] as const]) {
      for (const [id, { playbacks, recordings }] of book) {
        if (!there.has(`${kind} ${id}`)) book.delete(id);
        for (const name of playbacks.keys()) if (!still.playbacks.has(name)) playbacks.delete(name);
        for (const name of recordings.keys()) if (!still.recordings.has(name)) recordings.delete(name);
      }
    }
    for (const { kind, id } of targets) this.at(kind, id).unseenBefore = at;
  }

  private playbackStarted(event: AriEventOf<'PlaybackStarted'>): Target | undefined {
    const { id, media_uri, next_media_uri, language } = event.playback;
    const media = next_media_uri === undefined ? [media_uri] : [media_uri, next_media_uri];
    return this.playback(event, (playbacks, before) => {
      const goesOn = before !== undefined && !before.isBetween && before.media.join() === media.join();
      const startedAt = goesOn ? before.startedAt : event.timestamp;
      playbacks.set(id, { id, media, language, startedAt, isBetween: false });
    });
  }

  private playback(
    { playback }: AriEventOf<'PlaybackStarted' | 'PlaybackContinuing' | 'PlaybackFinished'>,
    change: (playbacks: Map<string, Playing>, before: Playing | undefined) => void,
  ): Target | undefined {
    return this.changed(playback.target_uri, ({ playbacks }) =>
      change(playbacks, playbacks.get(playback.id)),
    );
  }

  private variableSet(id: string, name: string, value: string): Target | undefined {
    const isNews = !this.hasEnded(id) && this.variables.set(id, name, value);
    return isNews ? { kind: 'leg', id } : undefined;
  }

  private recordingStarted({ recording, timestamp }: AriEventOf<'RecordingStarted'>): Target | undefined {
    const { name, format } = recording;
    return this.changed(recording.target_uri, ({ recordings }) => {
      // One that was paused goes on.
      recordings.set(name, recordings.get(name) ?? { name, format, startedAt: timestamp });
    });
  }

  private changed(uri: string, change: (going: Going) => void): Target | undefined {
    const target = targetOf(uri);
    if (target === undefined || this.hasEnded(target.id)) return undefined;
    change(this.at(target.kind, target.id));
    return target;
  }

  private at(kind: Target['kind'], id: string): Going {
    const book = kind === 'leg' ? this.legs : this.bridges;
    const known = book.get(id);
    if (known !== undefined) return known;
    const going = { playbacks: new Map(), recordings: new Map(), held: undefined, unseenBefore: undefined };
    book.set(id, going);
    return going;
  }
}

function heard(going: Going | undefined): BridgeActivity {
  if (going === undefined) return {};
  const { unseenBefore } = going;
  const playbacks = [...going.playbacks.values()].map(({ id, media, language, startedAt }) => ({
    id,
    media,
    language,
    startedAt,
  }));
  const recordings = [...going.recordings.values()];
  return {
    ...(playbacks.length === 0 ? {} : { playbacks }),
    ...(recordings.length === 0 ? {} : { recordings }),
    ...(unseenBefore === undefined ? {} : { unseenBefore }),
  };
}

function orNothing<T extends object>(activity: T): T | undefined {
  return Object.keys(activity).length === 0 ? undefined : activity;
}

const legUri = ({ id }: AriChannel): string => `channel:${id}`;

/** `channel:<id>` or `bridge:<id>`. */
function targetOf(uri: string): Target | undefined {
  const [, kind, id] = /^(channel|bridge):(.+)$/s.exec(uri) ?? [];
  if (kind === undefined || id === undefined) return undefined;
  return { kind: kind === 'channel' ? 'leg' : 'bridge', id };
}
