import type { Dialog } from '../dialog/dialog.js';
import type { Codec, Direction, MediaStream, SessionDescription } from '../dialog/session.js';

/** pjmedia, which Asterisk negotiates with, keeps both numbers of `o=` in 32 bits and knows no more streams. */
const HIGHEST_NUMBER = 2 ** 32 - 1;
const MAX_STREAMS = 16;
/** The module takes no longer value. */
const MAX_LENGTH = 8_192;
/** RFC 4028 section 4: no interval is shorter. */
const SHORTEST_INTERVAL_S = 90;
const TRANSPORTS: readonly string[] = ['udp', 'tcp', 'tls', 'ws', 'wss'];

const NUMBER = /^\d{1,10}$/;
/** What can stand in the value as it is: no line break, and nothing that separates lines. */
const TEXT = /^[^|\p{Cc}]+$/u;
const TOKEN = /^[^|\s\p{Cc}]+$/u;

/**
 * Channel variables that say how the re-INVITE's offer, session timer and transport go on with what the dialog had. Each is
 * left out where that is not known: Asterisk then does as in a new call.
 *
 * - `_SDP_ORIGIN`: `<session id> <version>`, the last that our side has used; the offer has the version raised (RFC 3264
 *   section 8).
 * - `_SDP_STREAMS`: the m= sections of the offer, lines joined by `|`, in the order of the session, none missing. Port 0 for
 *   a stream that is off. The formats that both sides had, the one in use first, under our payload types (RFC 3264 section
 *   8.3.2). `a=held:` tells who holds, `a=encryption:` the form of SRTP.
 * - `_SESSION_EXPIRES`: as a Session-Expires of the re-INVITE has it: refresher `uac` is our side (RFC 4028).
 * - `_TRANSPORT`: of the hop between Asterisk and its peer.
 */
export function sessionVariables(dialog: Dialog): Record<string, string> {
  const { localSession, remoteSession, sessionTimer, transport } = dialog;
  const values = {
    PJSIP_RECOVERY_SDP_ORIGIN: localSession && originOf(localSession),
    PJSIP_RECOVERY_SDP_STREAMS: streamsOf(localSession, remoteSession),
    PJSIP_RECOVERY_SESSION_EXPIRES:
      sessionTimer &&
      `${Math.max(sessionTimer.intervalS, SHORTEST_INTERVAL_S)};refresher=${sessionTimer.refresher === 'local' ? 'uac' : 'uas'}`,
    PJSIP_RECOVERY_TRANSPORT: TRANSPORTS.includes(transport) ? transport : null,
  };
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

/** An Asterisk has never used more than 32 bits: what has more was written by something between it and the capture. */
function originOf({ origin: { sessionId, version } }: SessionDescription): string | null {
  const areNumbers = NUMBER.test(sessionId) && NUMBER.test(version);
  const fit = Number(sessionId) <= HIGHEST_NUMBER && Number(version) < HIGHEST_NUMBER;
  return areNumbers && fit ? `${sessionId} ${version}` : null;
}

function streamsOf(local: SessionDescription | null, remote: SessionDescription | null): string | null {
  const streams = agreedStreams(local, remote);
  if (streams.length > MAX_STREAMS || streams.every(({ disabled }) => disabled)) return null;
  if (!streams.every(({ kind, protocol }) => TOKEN.test(kind) && TOKEN.test(protocol))) return null;
  const whole = streams.flatMap((stream) => linesOf(stream, true)).join('|');
  if (whole.length <= MAX_LENGTH) return whole;
  const brief = streams.flatMap((stream) => linesOf(stream, false)).join('|');
  return brief.length <= MAX_LENGTH ? brief : null;
}

/** A stream as our side goes on with it. */
interface Agreed {
  readonly kind: string;
  readonly protocol: string;
  readonly disabled: boolean;
  readonly direction: Direction;
  readonly held: 'local' | 'remote' | null;
  readonly encryption: string;
  readonly codecs: readonly Codec[];
}

function agreedStreams(local: SessionDescription | null, remote: SessionDescription | null): Agreed[] {
  const [ours, theirs] = [local?.streams ?? [], remote?.streams ?? []];
  if (local === null) return theirs.map((stream) => agreed(mirrored(stream), stream));
  return ours.map((stream, index) => agreed(stream, theirs[index] ?? mirrored(stream)));
}

function agreed(ours: MediaStream, theirs: MediaStream): Agreed {
  const codecs = agreedCodecs(ours.codecs, theirs.codecs).filter(({ name }) => TOKEN.test(name));
  return {
    kind: ours.kind,
    protocol: ours.protocol,
    disabled: ours.disabled || theirs.disabled || codecs.length === 0,
    direction: ours.direction,
    held: holder(ours.direction, theirs.direction),
    encryption: agreedEncryption(ours, theirs),
    codecs,
  };
}

/** What one side says of a stream to which the other said yes, and nothing more. */
function mirrored(stream: MediaStream): MediaStream {
  return { ...stream, direction: MIRRORED[stream.direction] };
}

const MIRRORED: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/**
 * Who holds (RFC 3264 section 8.4). Where neither sends, it is taken for the peer's hold alone: a hold of our own that was
 * made up would leave the call without a voice when the peer resumes, and nobody would know how to end it.
 */
function holder(ours: Direction, theirs: Direction): 'local' | 'remote' | null {
  if (theirs === 'sendonly' || theirs === 'inactive') return 'remote';
  return ours === 'sendonly' || ours === 'inactive' ? 'local' : null;
}

/**
 * The formats of both sides under our payload types. An answer has no format that its offer had not, and the first one of
 * the answer is in use (RFC 3264 section 6.1): so the side with fewer formats answered, and gives the order.
 */
function agreedCodecs(ours: readonly Codec[], theirs: readonly Codec[]): readonly Codec[] {
  const common = ours.filter((codec) => theirs.some((other) => isSame(codec, other)));
  if (common.length === 0) return ours;
  if (theirs.length >= ours.length) return common;
  const place = (codec: Codec): number => theirs.findIndex((other) => isSame(codec, other));
  return [...common].sort((a, b) => place(a) - place(b));
}

function isSame(a: Codec, b: Codec): boolean {
  return (
    a.name.toLowerCase() === b.name.toLowerCase() && a.clockRate === b.clockRate && a.channels === b.channels
  );
}

/** An offer of SRTP may have been answered without it. */
function agreedEncryption({ encryption: ours }: MediaStream, { encryption: theirs }: MediaStream): string {
  if (ours.kind === 'dtls' && theirs.kind === 'dtls') return 'dtls';
  if (ours.kind !== 'sdes' || theirs.kind !== 'sdes') return 'none';
  const suite = ours.suites.find((one) => theirs.suites.includes(one));
  return suite !== undefined && TOKEN.test(suite) ? `sdes ${suite}` : 'sdes';
}

function linesOf(stream: Agreed, withParameters: boolean): string[] {
  const { kind, protocol, disabled, direction, held, encryption, codecs } = stream;
  const formats = codecs.length === 0 ? '0' : codecs.map(({ payloadType }) => payloadType).join(' ');
  if (disabled) return [`m=${kind} 0 ${protocol} ${formats}`];
  return [
    `m=${kind} 9 ${protocol} ${formats}`,
    ...codecs.flatMap((codec) => codecLines(codec, withParameters)),
    `a=${direction}`,
    ...(held === null ? [] : [`a=held:${held}`]),
    `a=encryption:${encryption}`,
  ];
}

function codecLines(
  { payloadType, name, clockRate, channels, fmtp }: Codec,
  withParameters: boolean,
): string[] {
  const map = `a=rtpmap:${payloadType} ${name}/${clockRate}${channels > 1 ? `/${channels}` : ''}`;
  const hasParameters = withParameters && fmtp !== null && TEXT.test(fmtp);
  return hasParameters ? [map, `a=fmtp:${payloadType} ${fmtp}`] : [map];
}
