/** Direction of a stream as one side wrote it (RFC 8866 section 6.7). */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** A format of a stream (RFC 8866 sections 6.6 and 6.15). */
export interface Codec {
  readonly payloadType: number;
  /** Encoding name as written: `PCMU`, `opus`, `telephone-event`. */
  readonly name: string;
  readonly clockRate: number;
  readonly channels: number;
  readonly fmtp: string | null;
}

/** How a stream is encrypted; keys are never kept: whoever goes on with the stream makes new ones. */
export type Encryption =
  | { readonly kind: 'none' }
  /** RFC 4568; the suites in the order of the description. */
  | { readonly kind: 'sdes'; readonly suites: readonly string[] }
  /** RFC 5763; fingerprint is `sha-256 AB:CD…`, setup one of actpass, active, passive, holdconn. */
  | { readonly kind: 'dtls'; readonly fingerprint: string; readonly setup: string };

/** One m= section. */
export interface MediaStream {
  /** `audio`, `video`, `image`, … */
  readonly kind: string;
  /** `RTP/AVP`, `RTP/SAVP`, `UDP/TLS/RTP/SAVPF`, … */
  readonly protocol: string;
  /** Port 0: refused or switched off (RFC 3264 section 8.2). */
  readonly disabled: boolean;
  readonly direction: Direction;
  /** In the order of the description; of an answer, the first is the one in use. */
  readonly codecs: readonly Codec[];
  readonly encryption: Encryption;
}

/** What one side last said of the session (RFC 8866). */
export interface SessionDescription {
  /** `o=`: session id and version are decimal numbers that may exceed 2**53. */
  readonly origin: { readonly username: string; readonly sessionId: string; readonly version: string };
  readonly streams: readonly MediaStream[];
}

/** The session timer in force (RFC 4028). */
export interface SessionTimer {
  readonly intervalS: number;
  /** Who sends the refreshes. */
  readonly refresher: 'local' | 'remote';
}
