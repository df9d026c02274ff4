import { isCoded } from '@reinvite/runtime';
import { z } from 'zod';
import { nothing, type Caller } from './request.js';

const playback = z.object({ id: z.string(), media_uri: z.string(), state: z.string() });
export type AriPlayback = z.infer<typeof playback>;

const liveRecording = z.object({ name: z.string(), format: z.string(), state: z.string() });
export type AriLiveRecording = z.infer<typeof liveRecording>;

/** What plays, and from where. */
export interface Play {
  /** Our choice. Asterisk lets two playbacks have one id: who may have asked before looks first. */
  readonly playbackId: string;
  /** `sound:…`, `tone:…`, `recording:…`, one after the other. */
  readonly media: readonly string[];
  /** The target's own where it is left out. */
  readonly language?: string;
  /** Where in the first medium it begins, ms; beyond its end there is nothing of it. Tones and numbers have no such thing. */
  readonly offsetMs?: number;
}

/** A recording that begins. */
export interface Recording {
  /** Refused with `ARI_CONFLICT` where a recording of this name is there already. */
  readonly name: string;
  readonly format: string;
}

/** Parameters of ARI's `play…WithId`. */
export const playParameters = ({ playbackId, media, language, offsetMs }: Play) => ({
  playbackId,
  media: media.join(','),
  ...(language === undefined || language === '' ? {} : { lang: language }),
  ...(offsetMs === undefined ? {} : { offsetms: Math.max(0, Math.round(offsetMs)) }),
});

/** Parameters of ARI's `record`. */
export const recordParameters = ({ name, format }: Recording) => ({ name, format, ifExists: 'fail' });

/** ARI's `/playbacks`. Every method rejects with a coded error; see {@link AriConnection}. */
export class AriPlaybacks {
  constructor(private readonly call: Caller) {}

  /** @throws CodedError `ARI_NOT_FOUND` where it is over. */
  get(playbackId: string): Promise<AriPlayback> {
    return this.call('playbacks', 'get', { playbackId }, playback);
  }

  /** @throws CodedError `ARI_NOT_FOUND` where it is over. */
  stop(playbackId: string): Promise<void> {
    return this.call('playbacks', 'stop', { playbackId }, nothing);
  }

  /** The playback, or undefined where it is over. */
  find(playbackId: string): Promise<AriPlayback | undefined> {
    return unlessNotFound(this.get(playbackId));
  }
}

/** ARI's `/recordings`. Every method rejects with a coded error; see {@link AriConnection}. */
export class AriRecordings {
  constructor(private readonly call: Caller) {}

  /** A recording that goes on. @throws CodedError `ARI_NOT_FOUND` where it is over. */
  getLive(name: string): Promise<AriLiveRecording> {
    return this.call('recordings', 'getLive', { recordingName: name }, liveRecording);
  }

  /** The recording, or undefined where it is over. */
  findLive(name: string): Promise<AriLiveRecording | undefined> {
    return unlessNotFound(this.getLive(name));
  }
}

async function unlessNotFound<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isCoded(error, 'ARI_NOT_FOUND')) return undefined;
    throw error;
  }
}
