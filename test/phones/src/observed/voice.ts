import type { Datagram } from '../capture/pcap.js';
import { speakerOf, type Speaker } from '../scenario/tone.js';

const RTP_HEADER = 12;

/** Arrivals of RTP at one port of a phone, in order. */
interface Arrivals {
  readonly at: number[];
  /** Whose voice the packet carried, as {@link Speaker}. */
  readonly speaker: Speaker[];
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
      arrivals = { at: [], speaker: [] };
      this.byPort.set(targetPort, arrivals);
    }
    arrivals.at.push(at);
    arrivals.speaker.push(speakerOf(payload.subarray(RTP_HEADER)));
  }

  /** Packets that arrived at the port from `from` until before `to`. */
  count(port: number, from: number, to: number): number {
    return this.slice(port, from, to).length;
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
