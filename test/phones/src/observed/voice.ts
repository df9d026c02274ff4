import type { Datagram } from '../capture/pcap.js';
import { speakerOf, type Speaker } from '../scenario/tone.js';

const RTP_HEADER = 12;

/** Arrivals of RTP at one port of a phone, in order. */
interface Arrivals {
  readonly at: number[];
  /** Whose voice the packet carried, as {@link Speaker}. */
  readonly speaker: Speaker[];
  /** SSRC of each (RFC 3550 section 5.1). */
  readonly ssrc: number[];
  readonly sequence: number[];
}

/** RTP streams that arrived at one port. */
export interface Streams {
  /** Their SSRCs, in the order in which they came. */
  readonly ssrcs: readonly number[];
  /** Packets that arrived. */
  readonly received: number;
  /** Packets that did not, by the gaps in the sequence numbers (RFC 3550 section 6.4.1). */
  readonly lost: number;
}

/** The RTP that the phones received, by the port at which it arrived. */
export class VoiceTrace {
  private readonly byPort = new Map<number, Arrivals>();

  /** Takes one datagram of a capture of what the phones received; what is no RTP is left out. */
  add(datagram: Datagram): void {
    const { payload, targetPort, at } = datagram;
    if (payload.length < RTP_HEADER || (payload[0] ?? 0) >> 6 !== 2) return;
    let arrivals = this.byPort.get(targetPort);
    if (arrivals === undefined) {
      arrivals = { at: [], speaker: [], ssrc: [], sequence: [] };
      this.byPort.set(targetPort, arrivals);
    }
    arrivals.at.push(at);
    arrivals.speaker.push(speakerOf(payload.subarray(RTP_HEADER)));
    arrivals.ssrc.push(payload.readUInt32BE(8));
    arrivals.sequence.push(payload.readUInt16BE(2));
  }

  /** Packets that arrived at the port from `from` until before `to`. */
  count(port: number, from: number, to: number): number {
    return this.slice(port, from, to).length;
  }

  /** The streams whose packets arrived at the port from `from` until before `to`. */
  streams(port: number, from: number, to: number): Streams {
    const arrivals = this.byPort.get(port);
    const last = new Map<number, number>();
    let [received, lost] = [0, 0];
    for (const [index, at] of (arrivals?.at ?? []).entries()) {
      if (!isWithin(at, from, to)) continue;
      const [ssrc = 0, sequence = 0] = [arrivals?.ssrc[index], arrivals?.sequence[index]];
      const step = (sequence - (last.get(ssrc) ?? sequence - 1)) & 0xffff;
      received += 1;
      // A packet that was overtaken has been counted as lost.
      const isLate = step >= 0x8000;
      lost += isLate ? -1 : Math.max(0, step - 1);
      if (!isLate) last.set(ssrc, sequence);
    }
    return { ssrcs: [...last.keys()], received, lost: Math.max(0, lost) };
  }

  /** Whose voices were heard at the port in that time. */
  heard(port: number, from: number, to: number): ReadonlySet<Speaker> {
    const arrivals = this.byPort.get(port);
    if (arrivals === undefined) return new Set();
    return new Set(arrivals.speaker.filter((_, index) => isWithin(arrivals.at[index], from, to)));
  }

  /**
   * Longest silence, in ms, that touches the time from `from` to `to`: between two packets of which the later one came
   * after `from`, or between the last packet and `to`. Infinity where no packet ever came before `to`.
   */
  longestSilence(port: number, from: number, to: number): number {
    const times = (this.byPort.get(port)?.at ?? []).filter((at) => at < to);
    let [previous] = times;
    if (previous === undefined) return Infinity;
    let longest = 0;
    for (const at of [...times.slice(1), to]) {
      if (at > from) longest = Math.max(longest, at - previous);
      previous = at;
    }
    return longest;
  }

  private slice(port: number, from: number, to: number): number[] {
    return (this.byPort.get(port)?.at ?? []).filter((at) => isWithin(at, from, to));
  }
}

function isWithin(at: number | undefined, from: number, to: number): boolean {
  return at !== undefined && at >= from && at < to;
}
