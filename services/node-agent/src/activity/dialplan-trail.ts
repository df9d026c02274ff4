import type { AriChannel } from '@reinvite/ari';
import type { LegActivity, MixMonitorActivity } from '@reinvite/domain';

type Told = Pick<LegActivity, 'dialplanSince' | 'bridgedSince' | 'mixMonitors'>;

/** Applications that go on where they were only for whom it is known since when they have run. */
const TIMED = /^(Playback|ControlPlayback|Queue|Dial)$/;

interface Trail {
  /** Location, application and its data. */
  place: string;
  appName: string;
  since: number | undefined;
  bridgedSince: number | undefined;
  readonly mixMonitors: MixMonitorActivity[];
}

/**
 * What the way of a leg through the dialplan tells: since when it has been where it is, since when it has been in its bridge, and
 * which recordings it has begun. Pure bookkeeping.
 *
 * A recording that something else ends than `StopMixMonitor` without an id, or the leg's end, counts as going on.
 */
export class DialplanTrail {
  private readonly trails = new Map<string, Trail>();

  /** A channel as an event has just shown it. @param at epoch ms */
  seen({ id, dialplan }: AriChannel, at: number): void {
    const { appName, appData } = dialplan;
    const place = placeOf(dialplan);
    const trail = this.trails.get(id);
    if (trail?.place === place) return;
    const known: Trail = trail ?? { place, appName, since: at, bridgedSince: undefined, mixMonitors: [] };
    Object.assign(known, { place, appName, since: at });
    this.trails.set(id, known);
    if (appName === 'StopMixMonitor' && appData === '') known.mixMonitors.length = 0;
    if (appName !== 'MixMonitor') return;
    const [file = '', ...rest] = appData.split(',');
    if (file !== '') known.mixMonitors.push({ file, options: rest.join(','), startedAt: at });
  }

  /** The channel went into a bridge, or out of it. @param at epoch ms */
  bridged(channelId: string, isIn: boolean, at: number): void {
    const trail = this.trails.get(channelId);
    if (trail !== undefined) trail.bridgedSince = isIn ? at : undefined;
  }

  /** Events may have been missed: what a channel is not where it was known to be has been there for nobody knows how long. */
  resync(channels: readonly AriChannel[]): void {
    const there = new Map(channels.map(({ id, dialplan }) => [id, dialplan]));
    for (const [id, trail] of this.trails) {
      const dialplan = there.get(id);
      if (dialplan === undefined) {
        this.trails.delete(id);
        continue;
      }
      const place = placeOf(dialplan);
      if (place !== trail.place)
        Object.assign(trail, { place, appName: dialplan.appName, since: undefined, bridgedSince: undefined });
    }
  }

  /** Undefined where nothing is known. */
  of(channelId: string): Told | undefined {
    const trail = this.trails.get(channelId);
    if (trail === undefined) return undefined;
    const { appName, since, bridgedSince, mixMonitors } = trail;
    const isTimed = TIMED.test(appName);
    const told: Told = {
      ...(since === undefined || !isTimed ? {} : { dialplanSince: since }),
      ...(bridgedSince === undefined || !isTimed ? {} : { bridgedSince }),
      ...(mixMonitors.length === 0 ? {} : { mixMonitors: [...mixMonitors] }),
    };
    return Object.keys(told).length === 0 ? undefined : told;
  }

  forget(channelId: string): void {
    this.trails.delete(channelId);
  }
}

function placeOf({ context, extension, priority, appName, appData }: AriChannel['dialplan']): string {
  return [context, extension, priority, appName, appData].join('\u0000');
}
