import { describe, expect, it } from 'vitest';
import type { Datagram } from '../src/capture/pcap.js';
import { VoiceTrace, type Streams } from '../src/observed/voice.js';
import { EDGE, PHONES } from './frames.js';

const PORT = 20_000;
const EACH_MS = 20;
const OURS = 0xdeadbeef;

function packet(ssrc: number, sequence: number, at: number): Datagram {
  const payload = Buffer.alloc(172, 0xff);
  payload.writeUInt8(0x80, 0);
  payload.writeUInt16BE(sequence & 0xffff, 2);
  payload.writeUInt32BE(ssrc, 8);
  return { at, sourceAddress: EDGE, sourcePort: 30_000, targetAddress: PHONES, targetPort: PORT, payload };
}

function streams(sequences: readonly number[], ssrcs: readonly number[] = [OURS]): Streams {
  const trace = new VoiceTrace();
  for (const [index, sequence] of sequences.entries())
    trace.add(packet(ssrcs[index % ssrcs.length] ?? OURS, sequence, index * EACH_MS));
  return trace.streams(PORT, 0, sequences.length * EACH_MS);
}

describe('the streams that a phone received', () => {
  it('are one with nothing lost where every number came, across the end of the numbers', () => {
    expect(streams([65_534, 65_535, 65_536, 65_537])).toEqual({ ssrcs: [OURS], received: 4, lost: 0 });
  });

  it('count what is missing, and not what was overtaken or came twice', () => {
    expect(streams([1, 2, 5, 6])).toMatchObject({ received: 4, lost: 2 });
    expect(streams([1, 3, 2, 4])).toMatchObject({ received: 4, lost: 0 });
    expect(streams([1, 2, 2, 3])).toMatchObject({ received: 4, lost: 0 });
  });

  it('are as many as there are sources', () => {
    expect(streams([1, 900, 2, 901], [OURS, 7])).toEqual({ ssrcs: [OURS, 7], received: 4, lost: 0 });
  });

  it('are those of the time that is asked for', () => {
    const trace = new VoiceTrace();
    trace.add(packet(7, 1, 10));
    trace.add(packet(OURS, 1, 20));
    expect(trace.streams(PORT, 20, 30)).toEqual({ ssrcs: [OURS], received: 1, lost: 0 });
    expect(trace.streams(PORT + 1, 0, 30)).toEqual({ ssrcs: [], received: 0, lost: 0 });
  });
});
