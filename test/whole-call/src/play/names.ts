/** Node that the calls are on at first. */
export const FIRST_NODE = 'ast1';

/** Directory of the sounds below the lab's shared one, as every host sees it. */
export const SOUNDS = '/lab/whole-call';

/** What a phone dials, beside the lab's own: see `furnish`. */
export const DIAL = {
  /** Into the application, which answers. */
  stasis: (id: string): string => `wc-stasis-${id}`,
  /** Two phones by `Dial`. */
  dial: (port: number): string => `wc-dial-${port}`,
  /** The same, and the caller hears an announcement when the other one has hung up. */
  dialAndGoOn: (port: number): string => `wc-dialg-${port}`,
  /** `ConfBridge`. */
  room: (id: string): string => `wc-room-${id}`,
  /** `Playback` of the prompt. */
  prompt: (id: string): string => `wc-prompt-${id}`,
  /** `Dial` with a `MixMonitor`. */
  tape: (port: number): string => `wc-tape-${port}`,
  /** `BridgeWait`, as one who waits. */
  hall: (id: string): string => `wc-hall-${id}`,
  /** `BridgeWait`, as the announcer. */
  hallSpeaker: (id: string): string => `wc-speaker-${id}`,
  /** `Queue`. */
  queue: (id: string): string => `wc-queue-${id}`,
  /** `Park`. */
  park: (id: string): string => `wc-park-${id}`,
  /** `ParkedCall` of the only one that is parked. */
  parked: (id: string): string => `wc-fetch-${id}`,
} as const;

/** The queues that there are. */
export const QUEUES = ['waiting', 'talking'] as const;
