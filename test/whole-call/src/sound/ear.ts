import type { Datagram } from '@reinvite/test-phones';
import { analyse, type Analysis } from './analyse.js';
import { ANALYSIS_SAMPLES } from './sounds.js';

const RTP_HEADER = 12;
const PCMU = 0;

/** What a phone heard in a tenth of a second. */
export interface Heard extends Analysis {
  /** When the first packet of it arrived: epoch ms with a fraction. */
  readonly at: number;
}

interface Stream {
  readonly heard: Heard[];
  readonly pending: Uint8Array;
  filled: number;
  at: number;
  ssrc: number;
  sequence: number;
}

/** Listens to the RTP that arrives at the phones' ports (RFC 3550, G.711 µ-law), and keeps what was heard. */
export class Ear {
  private readonly streams = new Map<number, Stream>();

  /** Takes a packet that arrived at a phone; what is no voice is left out. A piece with a packet missing is not judged. */
  add({ at, targetPort, payload }: Datagram): void {
    if (payload.length <= RTP_HEADER || (payload[0] ?? 0) >> 6 !== 2) return;
    if (((payload[1] ?? 0) & 0x7f) !== PCMU) return;
    const stream = this.streamOf(targetPort);
    const sequence = payload.readUInt16BE(2);
    const ssrc = payload.readUInt32BE(8);
    const follows = ssrc === stream.ssrc && sequence === ((stream.sequence + 1) & 0xffff);
    if (!follows) stream.filled = 0;
    stream.ssrc = ssrc;
    stream.sequence = sequence;
    const contributors = (payload[0] ?? 0) & 0x0f;
    take(stream, payload.subarray(RTP_HEADER + 4 * contributors), at);
  }

  /** What was heard at these ports from a moment on, in the order of arrival. */
  heard(ports: Iterable<number>, from = 0): Heard[] {
    return [...ports]
      .flatMap((port) => (this.streams.get(port)?.heard ?? []).filter(({ at }) => at >= from))
      .sort((a, b) => a.at - b.at);
  }

  private streamOf(port: number): Stream {
    let stream = this.streams.get(port);
    if (stream === undefined) {
      stream = {
        heard: [],
        pending: new Uint8Array(ANALYSIS_SAMPLES),
        filled: 0,
        at: 0,
        ssrc: -1,
        sequence: -1,
      };
      this.streams.set(port, stream);
    }
    return stream;
  }
}

function take(stream: Stream, voice: Uint8Array, at: number): void {
  for (const code of voice) {
    if (stream.filled === 0) stream.at = at;
    stream.pending[stream.filled] = code;
    stream.filled += 1;
    if (stream.filled === ANALYSIS_SAMPLES) {
      stream.heard.push({ at: stream.at, ...analyse(stream.pending) });
      stream.filled = 0;
    }
  }
}
