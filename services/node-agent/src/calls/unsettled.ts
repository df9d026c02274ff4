import type { AriChannel } from '@reinvite/ari';

/** Long enough for a channel to settle by itself, also while a recovered node's worth of legs comes in. */
const FIRST_LOOK_MS = 200;
const LAST_LOOK_MS = 5_000;
/** One list costs less than so many single requests. */
const LIST_FROM = 8;

export interface UnsettledOptions {
  readonly fetchOne: (channelId: string) => Promise<AriChannel | undefined>;
  readonly fetchAll: () => Promise<readonly AriChannel[]>;
  readonly onFetched: (channel: AriChannel) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * A channel that will change without an event: one that has no Call-ID yet, and one that ARI originated and that has been
 * answered, on its way into its application, of which `StasisStart` tells only that application.
 */
export function isUnsettled({ name, protocolId, state, dialplan }: AriChannel): boolean {
  return (
    name.startsWith('PJSIP/') && (protocolId === '' || (state === 'Up' && dialplan.appName === 'AppDial2'))
  );
}

/** Looks at unsettled channels again, all together, until they have settled. */
export class Unsettled {
  private readonly ids = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private waitMs = FIRST_LOOK_MS;

  constructor(private readonly options: UnsettledOptions) {}

  /** A channel as an event or a list has just shown it. */
  note(channel: AriChannel): void {
    if (!isUnsettled(channel)) {
      this.ids.delete(channel.id);
      return;
    }
    if (this.ids.size === 0) this.waitMs = FIRST_LOOK_MS;
    this.ids.add(channel.id);
    this.arm();
  }

  forget(channelId: string): void {
    this.ids.delete(channelId);
  }

  clear(): void {
    this.ids.clear();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private arm(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.look();
    }, this.waitMs).unref();
  }

  private async look(): Promise<void> {
    try {
      const ids = [...this.ids];
      const found = new Map((await this.fetch(ids)).map((channel) => [channel.id, channel]));
      // One that an event has settled meanwhile is newer than what was fetched.
      for (const id of ids.filter((one) => this.ids.has(one))) {
        const channel = found.get(id);
        if (channel === undefined || !isUnsettled(channel)) this.ids.delete(id);
        if (channel !== undefined) this.options.onFetched(channel);
      }
    } catch (error) {
      this.options.onError(error);
    }
    this.waitMs = Math.min(this.waitMs * 2, LAST_LOOK_MS);
    if (this.ids.size > 0) this.arm();
  }

  private async fetch(ids: readonly string[]): Promise<readonly AriChannel[]> {
    if (ids.length >= LIST_FROM) return this.options.fetchAll();
    const found = await Promise.all(ids.map((id) => this.options.fetchOne(id)));
    return found.flatMap((channel) => channel ?? []);
  }
}
