import { isCoded } from '@reinvite/runtime';
import { z } from 'zod';
import { playParameters, recordParameters, type Play, type Recording } from './media.js';
import { ariChannel, type AriChannel } from './model.js';
import { nothing, type Caller } from './request.js';

/** Where an originated channel goes on once it has been answered. */
export type OriginateTarget =
  | { readonly app: string; readonly appArgs?: readonly string[] }
  | { readonly context: string; readonly extension: string; readonly priority: number };

/** A new channel. We choose its id, so that asking twice makes one channel: the second gets `ARI_CONFLICT`. */
export interface Originate {
  readonly channelId: string;
  /** Dial string, `PJSIP/<endpoint>/<sip-uri>`. */
  readonly endpoint: string;
  readonly target: OriginateTarget;
  /** `"name" <number>` or a number. */
  readonly callerId?: string;
  /** Seconds until an unanswered channel is given up; ARI's default is 30, -1 is never. */
  readonly timeoutS?: number;
  /** Channel variables, and functions such as `CHANNEL(language)`, set before the channel dials. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Id of the channel on whose behalf this one is made: shown as the caller in the `Dial` event. */
  readonly originator?: string;
  /** Comma-separated codec names. */
  readonly formats?: string;
}

/** A channel that hangs up: a Q.850 cause as a number, or ARI's name for one (`normal`, `busy`, `congestion`, …). */
export type HangupReason = number | 'normal' | 'busy' | 'congestion' | 'no_answer' | 'failure';

const variable = z.object({ value: z.string() });
const playback = z.object({ id: z.string() });

/**
 * Arguments of an application may be longer than a line of HTTP, which Asterisk cuts at 4,096 characters: they go in the body,
 * where it takes all parameters (40,960 characters).
 */
function bodyOf(target: OriginateTarget, variables: Originate['variables']): object | undefined {
  const args = 'app' in target ? target.appArgs : undefined;
  if (args === undefined) return variables;
  return { variables: variables ?? {}, appArgs: args.map(literal).join(',') };
}

/** Asterisk takes the arguments apart as those of a dialplan application: it reads brackets and takes quotes away (main/app.c). */
function literal(arg: string): string {
  return arg.replace(/[\\"()[\],]/g, '\\$&');
}

/** ARI's `/channels`. Every method rejects with a coded error; see {@link AriConnection}. */
export class AriChannels {
  constructor(private readonly call: Caller) {}

  /** All channels of the node. */
  list(): Promise<AriChannel[]> {
    return this.call('channels', 'list', {}, z.array(ariChannel));
  }

  /** @throws CodedError `ARI_NOT_FOUND` */
  get(channelId: string): Promise<AriChannel> {
    return this.call('channels', 'get', { channelId }, ariChannel);
  }

  /** The channel, or undefined where there is none with this id. */
  async find(channelId: string): Promise<AriChannel | undefined> {
    try {
      return await this.get(channelId);
    } catch (error) {
      if (isCoded(error, 'ARI_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  /**
   * Makes a channel and lets it dial; resolves when Asterisk has taken the request, long before the answer.
   * @throws CodedError `ARI_CONFLICT` where the id exists; `ARI_UNREACHABLE` with `details.maybeSent`; `ARI_REQUEST_FAILED`
   * for an endpoint or dial string that Asterisk does not take.
   */
  originate(request: Originate): Promise<AriChannel> {
    const { channelId, endpoint, target, callerId, timeoutS, variables, originator, formats } = request;
    const goesOn =
      'app' in target
        ? { app: target.app }
        : { context: target.context, extension: target.extension, priority: target.priority };
    const parameters = {
      channelId,
      endpoint,
      ...goesOn,
      callerId,
      timeout: timeoutS,
      variables: bodyOf(target, variables),
      originator,
      formats,
    };
    return this.call('channels', 'originateWithId', parameters, ariChannel);
  }

  /** @throws CodedError `ARI_NOT_FOUND` where it has already ended. */
  hangup(channelId: string, reason: HangupReason = 'normal'): Promise<void> {
    const why = typeof reason === 'number' ? { reason_code: String(reason) } : { reason };
    return this.call('channels', 'hangup', { channelId, ...why }, nothing);
  }

  answer(channelId: string): Promise<void> {
    return this.call('channels', 'answer', { channelId }, nothing);
  }

  /** Leaves Stasis for the dialplan; without a location the dialplan goes on after `Stasis()`. `ARI_CONFLICT`: not in Stasis. */
  continueInDialplan(
    channelId: string,
    at: { context?: string; extension?: string; priority?: number } = {},
  ): Promise<void> {
    return this.call('channels', 'continueInDialplan', { channelId, ...at }, nothing);
  }

  /** Hands the channel to another Stasis application. */
  move(channelId: string, app: string, appArgs: readonly string[] = []): Promise<void> {
    return this.call('channels', 'move', { channelId, app, appArgs: appArgs.join(',') }, nothing);
  }

  /** Plays `sound:…`, `tone:…`, …; resolves with the id of the playback when it is queued. */
  async play(channelId: string, media: string): Promise<string> {
    return (await this.call('channels', 'play', { channelId, media }, playback)).id;
  }

  /** Plays under an id of our choice, from somewhere in it; resolves when it is queued. `ARI_CONFLICT`: not in Stasis. */
  async playFrom(channelId: string, play: Play): Promise<void> {
    await this.call('channels', 'playWithId', { channelId, ...playParameters(play) }, playback);
  }

  /**
   * Begins to record what the channel says; it must be in no bridge. Resolves when it is queued: `RecordingFailed` tells of what goes
   * wrong then.
   * @throws CodedError `ARI_CONFLICT` where the name is taken, or the channel is not in Stasis.
   */
  async record(channelId: string, recording: Recording): Promise<void> {
    await this.call('channels', 'record', { channelId, ...recordParameters(recording) }, nothing);
  }

  /** `in`: what the channel says goes nowhere; `out`: it hears nothing. `ARI_CONFLICT`: not in Stasis. */
  mute(channelId: string, direction: 'in' | 'out' | 'both'): Promise<void> {
    return this.call('channels', 'mute', { channelId, direction }, nothing);
  }

  /** Sends 180 to a channel that has not been answered. */
  ring(channelId: string): Promise<void> {
    return this.call('channels', 'ring', { channelId }, nothing);
  }

  startMusicOnHold(channelId: string, mohClass?: string): Promise<void> {
    return this.call('channels', 'startMoh', { channelId, mohClass }, nothing);
  }

  stopMusicOnHold(channelId: string): Promise<void> {
    return this.call('channels', 'stopMoh', { channelId }, nothing);
  }

  /** Value of a variable or function; `ARI_NOT_FOUND` where the variable is not set. */
  async getVariable(channelId: string, name: string): Promise<string> {
    return (await this.call('channels', 'getChannelVar', { channelId, variable: name }, variable)).value;
  }

  setVariable(channelId: string, name: string, value: string): Promise<void> {
    return this.call('channels', 'setChannelVar', { channelId, variable: name, value }, nothing);
  }
}
