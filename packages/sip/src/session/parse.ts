import { codedError } from '@reinvite/runtime';
import sdpTransform from 'sdp-transform';
import type { Codec, Direction, Encryption, MediaStream, SessionDescription } from '../dialog/session.js';

/** Far beyond any real session, and so that no description costs more to read or to keep than a message warrants. */
const MAX_CHARACTERS = 32_768;
const MAX_LINES = 1_024;
const MAX_STREAMS = 32;
const MAX_FORMATS = 64;
const MAX_TEXT = 512;

const DECIMAL = /^\d{1,40}$/;
const TOKEN = /^[\x21-\x7e]{1,64}$/;

/** Formats that need no `a=rtpmap` (RFC 3551 section 6). */
const STATIC_FORMATS: ReadonlyMap<number, readonly [name: string, clockRate: number]> = new Map([
  [0, ['PCMU', 8_000]],
  [3, ['GSM', 8_000]],
  [4, ['G723', 8_000]],
  [5, ['DVI4', 8_000]],
  [7, ['LPC', 8_000]],
  [8, ['PCMA', 8_000]],
  [9, ['G722', 8_000]],
  [12, ['QCELP', 8_000]],
  [13, ['CN', 8_000]],
  [15, ['G728', 8_000]],
  [18, ['G729', 8_000]],
  [26, ['JPEG', 90_000]],
  [31, ['H261', 90_000]],
  [34, ['H263', 90_000]],
]);

type Parsed = sdpTransform.SessionDescription;
type ParsedMedia = Parsed['media'][number];

/**
 * Reads what a recovery needs of a session description (RFC 8866); attributes that it does not need are passed over.
 * @throws CodedError `SDP_MALFORMED`, never another error, whatever the input is.
 */
export function parseSdp(text: string): SessionDescription {
  if (text.length > MAX_CHARACTERS) throw malformed(`${text.length} characters`);
  if (linesOf(text) > MAX_LINES) throw malformed('too many lines');
  if (!/^v=0[ \t]*\r?$/m.test(text)) throw malformed('no version 0');
  const parsed = sdpTransform.parse(text);
  if (parsed.media.length > MAX_STREAMS) throw malformed(`${parsed.media.length} streams`);
  return { origin: originOf(parsed), streams: parsed.media.map((media) => streamOf(parsed, media)) };
}

/** What one side says of itself in `o=`; ids are kept as text, for they may exceed 2**53. */
function originOf({ origin }: Parsed): SessionDescription['origin'] {
  // The types of the library promise more than a hostile description gives.
  const found: { username?: unknown; sessionId?: unknown; sessionVersion?: unknown } = origin ?? {};
  const [username, sessionId, version] = [found.username, found.sessionId, found.sessionVersion].map(String);
  if (username === undefined || sessionId === undefined || version === undefined)
    throw malformed('no origin');
  if (!DECIMAL.test(sessionId) || !DECIMAL.test(version) || username.length > MAX_TEXT)
    throw malformed('an origin that cannot be read');
  return { username, sessionId, version };
}

function streamOf(session: Parsed, media: ParsedMedia): MediaStream {
  const { type, port, protocol: transport } = media as Partial<ParsedMedia>;
  if (type === undefined || port === undefined || transport === undefined) throw malformed('a torn m= line');
  // What looks like a number the library gives as one.
  const [kind, protocol] = [String(type), String(transport)];
  if (!TOKEN.test(kind) || !TOKEN.test(protocol)) throw malformed('a stream that cannot be read');
  return {
    kind,
    protocol,
    disabled: Number(port) === 0,
    direction: directionOf(session, media),
    codecs: codecsOf(media),
    encryption: encryptionOf(session, media, protocol),
  };
}

/**
 * Before RFC 3264 a party held the other by the address 0.0.0.0, and some phones still do (section 8.4): then nothing can
 * be sent to it. A stream with ICE may have that address while candidates are still to come (RFC 8840).
 */
function directionOf(session: Parsed, media: ParsedMedia): Direction {
  const written = media.direction ?? session.direction ?? 'sendrecv';
  const address = (media.connection ?? session.connection)?.ip;
  const hasIce = media.iceUfrag !== undefined || session.iceUfrag !== undefined;
  if (address !== '0.0.0.0' || hasIce) return written;
  return written === 'sendrecv' || written === 'sendonly' ? 'sendonly' : 'inactive';
}

function codecsOf(media: ParsedMedia): Codec[] {
  const formats = String(media.payloads ?? '').split(' ');
  if (formats.length > MAX_FORMATS) throw malformed(`${formats.length} formats`);
  // Formats of streams that are no RTP (`t38`, `*`) are names, and no codecs.
  return formats.filter((format) => /^\d{1,3}$/.test(format)).map((format) => codecOf(media, Number(format)));
}

function codecOf(media: ParsedMedia, payloadType: number): Codec {
  const mapped = media.rtp.find(({ payload }) => payload === payloadType);
  const known = STATIC_FORMATS.get(payloadType);
  const name = String(mapped?.codec ?? known?.[0] ?? '');
  const fmtp = media.fmtp.find(({ payload }) => payload === payloadType)?.config;
  if (name.length > MAX_TEXT || (fmtp !== undefined && String(fmtp).length > MAX_TEXT))
    throw malformed('a format that is too long');
  return {
    payloadType,
    name,
    clockRate: countOf(mapped?.rate ?? known?.[1], 0),
    channels: countOf(mapped?.encoding, 1),
    fmtp: fmtp === undefined ? null : String(fmtp),
  };
}

/** The library gives a number as text where it is not written as one would write it, or is too large. */
function countOf(value: unknown, otherwise: number): number {
  const count = value === undefined ? otherwise : Number(value);
  return Number.isSafeInteger(count) && count > 0 ? count : otherwise;
}

/** RFC 4568 and RFC 5763; a description that offers both ways is taken by its protocol. Keys are left where they are. */
function encryptionOf(session: Parsed, media: ParsedMedia, protocol: string): Encryption {
  const suites = (media.crypto ?? []).map(({ suite }) => String(suite)).slice(0, MAX_STREAMS);
  const fingerprint = media.fingerprint ?? session.fingerprint;
  const isDtls = fingerprint !== undefined && (suites.length === 0 || protocol.includes('TLS'));
  if (isDtls) {
    const setup = String(media.setup ?? session.setup ?? 'actpass');
    const text = `${fingerprint.type} ${fingerprint.hash}`;
    if (text.length > MAX_TEXT || setup.length > MAX_TEXT) throw malformed('a fingerprint that is too long');
    return { kind: 'dtls', fingerprint: text, setup };
  }
  if (suites.length === 0) return { kind: 'none' };
  if (suites.some((suite) => suite.length > MAX_TEXT)) throw malformed('a crypto suite that is too long');
  return { kind: 'sdes', suites };
}

function linesOf(text: string): number {
  let lines = 1;
  for (
    let index = text.indexOf('\n');
    index !== -1 && lines <= MAX_LINES;
    index = text.indexOf('\n', index + 1)
  )
    lines += 1;
  return lines;
}

function malformed(why: string): Error {
  return codedError('SDP_MALFORMED', why);
}
