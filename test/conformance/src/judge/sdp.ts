import type { Direction } from '../phone/media.js';

/** What the verdicts look at in an SDP. Read by itself, so that the product's parser is not its own witness. */
export interface Sdp {
  readonly sessionId: string;
  readonly version: bigint;
  readonly address: string;
  readonly streams: readonly Stream[];
}

export interface Stream {
  readonly kind: string;
  readonly port: number;
  readonly profile: string;
  /** Payload types in the order of preference. */
  readonly formats: readonly string[];
  /** `8` → `PCMA/8000`, as far as `a=rtpmap` says. */
  readonly codecs: ReadonlyMap<string, string>;
  readonly direction: Direction;
  /** Crypto suites of `a=crypto` (RFC 4568). */
  readonly suites: readonly string[];
  readonly fingerprint: boolean;
  readonly setup: string;
}

const STATIC: Readonly<Record<string, string>> = { '0': 'PCMU/8000', '8': 'PCMA/8000' };

/** @returns undefined for what is no SDP. */
export function readSdp(body: string): Sdp | undefined {
  const lines = body.split(/\r?\n/);
  const [, sessionId, version] = /^o=\S+ (\d+) (\d+) IN IP[46] \S+$/m.exec(lines.join('\n')) ?? [];
  if (sessionId === undefined || version === undefined) return undefined;
  const starts = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []));
  const session = lines.slice(0, starts[0]);
  return {
    sessionId,
    version: BigInt(version),
    address: /^c=IN IP[46] (\S+)$/m.exec(lines.join('\n'))?.[1] ?? '',
    streams: starts.map((start, index) => readStream(lines.slice(start, starts[index + 1]), session)),
  };
}

function readStream(lines: readonly string[], session: readonly string[]): Stream {
  const [kind = '', port = '', profile = '', ...formats] = (lines[0] ?? '').slice(2).split(' ');
  const attributes = (name: string): string[] =>
    lines.filter((line) => line.startsWith(`a=${name}:`)).map((line) => line.slice(name.length + 3));
  const maps = attributes('rtpmap').map((text) => text.split(' ') as [string, string]);
  const all = [...lines, ...session];
  return {
    kind,
    port: Number(port),
    profile,
    formats,
    codecs: new Map([
      ...formats.flatMap((f) => (STATIC[f] === undefined ? [] : [[f, STATIC[f]] as const])),
      ...maps,
    ]),
    direction: directionIn(lines) ?? directionIn(session) ?? 'sendrecv',
    suites: attributes('crypto').map((text) => text.split(' ')[1] ?? ''),
    fingerprint: all.some((line) => line.startsWith('a=fingerprint:')),
    setup: /^a=setup:(\S+)$/m.exec(all.join('\n'))?.[1] ?? '',
  };
}

function directionIn(lines: readonly string[]): Direction | undefined {
  return lines
    .map((line) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.exec(line)?.[1])
    .find((found) => found !== undefined) as Direction | undefined;
}
