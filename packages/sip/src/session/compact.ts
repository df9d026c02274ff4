import { z } from 'zod';
import type { Codec, Direction, Encryption, MediaStream, SessionDescription } from '../dialog/session.js';

const DIRECTIONS = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const satisfies readonly Direction[];

/** Payload type, name, clock rate, channels, parameters. */
const codec = z.tuple([z.number(), z.string(), z.number(), z.number(), z.string().nullable()]);
/** Null for none, suites for SDES, fingerprint and setup for DTLS. */
const encryption = z
  .union([z.object({ sdes: z.array(z.string()) }), z.object({ dtls: z.tuple([z.string(), z.string()]) })])
  .nullable();
/** Kind, protocol, disabled, direction, codecs, encryption. */
const stream = z.tuple([z.string(), z.string(), z.boolean(), z.enum(DIRECTIONS), z.array(codec), encryption]);

/**
 * A session description as evidence keeps it, in a third of the room: origin as username, id, version; streams as rows.
 * Null for a description that cannot be read.
 */
export const compactSession = z
  .object({ origin: z.tuple([z.string(), z.string(), z.string()]), streams: z.array(stream) })
  .nullable();
export type CompactSession = z.infer<typeof compactSession>;

export function compactOf({ origin, streams }: SessionDescription): NonNullable<CompactSession> {
  return {
    origin: [origin.username, origin.sessionId, origin.version],
    streams: streams.map(({ kind, protocol, disabled, direction, codecs, encryption: form }) => [
      kind,
      protocol,
      disabled,
      direction,
      codecs.map(({ payloadType, name, clockRate, channels, fmtp }) => [
        payloadType,
        name,
        clockRate,
        channels,
        fmtp,
      ]),
      compactEncryption(form),
    ]),
  };
}

/** A description without its streams: that it was given, and by whom. One without any is of no use to a session either. */
export function originOnly(session: CompactSession): CompactSession {
  return session && { origin: session.origin, streams: [] };
}

export function sessionOf({ origin, streams }: NonNullable<CompactSession>): SessionDescription {
  const [username, sessionId, version] = origin;
  return { origin: { username, sessionId, version }, streams: streams.map(streamOf) };
}

function streamOf([kind, protocol, disabled, direction, codecs, form]: z.infer<typeof stream>): MediaStream {
  return {
    kind,
    protocol,
    disabled,
    direction,
    codecs: codecs.map(([payloadType, name, clockRate, channels, fmtp]): Codec => ({
      payloadType,
      name,
      clockRate,
      channels,
      fmtp,
    })),
    encryption: encryptionOf(form),
  };
}

function compactEncryption(form: Encryption): z.infer<typeof encryption> {
  if (form.kind === 'none') return null;
  return form.kind === 'sdes' ? { sdes: [...form.suites] } : { dtls: [form.fingerprint, form.setup] };
}

function encryptionOf(form: z.infer<typeof encryption>): Encryption {
  if (form === null) return { kind: 'none' };
  if ('sdes' in form) return { kind: 'sdes', suites: form.sdes };
  const [fingerprint, setup] = form.dtls;
  return { kind: 'dtls', fingerprint, setup };
}
