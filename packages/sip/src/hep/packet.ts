/** One end of a captured message: an IP address in its usual text form and a port. */
export interface HepEndpoint {
  readonly address: string;
  readonly port: number;
}

/** A HEPv3 packet: one captured message and where it was seen. */
export interface HepPacket {
  /** 4 or 6. */
  readonly ipVersion: 4 | 6;
  /** IP protocol number: 6 TCP, 17 UDP. Asterisk reports TLS and WebSocket as TCP. */
  readonly ipProtocol: number;
  readonly source: HepEndpoint;
  readonly destination: HepEndpoint;
  /** Microseconds since the Unix epoch. `res_hep` stamps received messages in whole ms, sent ones in µs. */
  readonly at: number;
  /** Capture protocol type; {@link HEP_TYPE_SIP} for SIP. */
  readonly protocolType: number;
  readonly captureId: number | null;
  readonly correlationId: string | null;
  readonly captureName: string | null;
  /** The capture password as it came; a secret, so not for any log. */
  readonly password: Buffer | null;
  /** The message, decompressed where it came compressed. */
  readonly payload: Buffer;
}

export const HEP_MAGIC = Buffer.from('HEP3', 'latin1');
/** Magic and u16 total length. */
export const HEP_HEADER_BYTES = 6;
/** u16 vendor, u16 type, u16 length; the length counts these bytes too. */
export const CHUNK_HEADER_BYTES = 6;

export const HEP_TYPE_SIP = 1;

export const FAMILY_IPV4 = 2;
export const FAMILY_IPV6 = 10;

/** Chunk types of the generic vendor (0). */
export const CHUNK = {
  family: 1,
  ipProtocol: 2,
  sourceIpv4: 3,
  destinationIpv4: 4,
  sourceIpv6: 5,
  destinationIpv6: 6,
  sourcePort: 7,
  destinationPort: 8,
  seconds: 9,
  microseconds: 10,
  protocolType: 11,
  captureId: 12,
  password: 14,
  payload: 15,
  compressedPayload: 16,
  correlationId: 17,
  captureName: 19,
} as const;
