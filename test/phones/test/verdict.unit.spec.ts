import { describe, expect, it } from 'vitest';
import type { Datagram } from '../src/capture/pcap.js';
import { callsOf } from '../src/observed/call.js';
import { SipTrace } from '../src/observed/sip-trace.js';
import { disturbed, judge, type CallVerdict } from '../src/observed/verdict.js';
import { VoiceTrace } from '../src/observed/voice.js';
import { CallerScript, PHONES, voiceAt } from './frames.js';

const CRASH = { node: 'ast1', at: 10_000 };
const script = new CallerScript({ callId: 'a@phone' });
const before = script.established(1_000, 'ast1');
const voice = [...voiceAt(20_000, 1_020, 9_990), ...voiceAt(20_000, 10_120, 15_000)];

function judged(sip: readonly Datagram[], rtp: readonly Datagram[] = voice): CallVerdict[] {
  return judge(callsOf(traced(sip).calls.values()), CRASH, heard(rtp));
}

function traced(sip: readonly Datagram[]): SipTrace {
  const trace = new SipTrace(PHONES);
  for (const datagram of sip) trace.add(datagram);
  return trace;
}

function heard(rtp: readonly Datagram[]): VoiceTrace {
  const trace = new VoiceTrace();
  for (const datagram of rtp) trace.add(datagram);
  return trace;
}

const reasons = (sip: readonly Datagram[]): readonly string[] | undefined => judged(sip)[0]?.reasons;

describe('the verdict on a call', () => {
  it('is good when it came back with the same tags, was acknowledged, and its phone hung up', () => {
    expect(judged([...before, ...script.recovered(10_100, 'ast2'), ...script.bye(15_000)])).toEqual([
      {
        number: '10001',
        kind: 'app',
        phones: [{ role: 'caller', callId: 'a@phone', answeredMs: 102, voiceGapMs: 140, node: 'ast2' }],
        reasons: [],
      },
    ]);
  });

  it('does not concern calls of other nodes, or calls that ended before', () => {
    const other = new CallerScript({ callId: 'b@phone', number: '2' }).established(1_000, 'ast2');
    const ended = [...new CallerScript({ callId: 'c@phone', number: '3' }).established(1_000, 'ast1')];
    const bye = new CallerScript({ callId: 'c@phone', number: '3' }).bye(9_999);
    expect(judged([...other, ...ended, ...bye])).toEqual([]);
  });

  it('names everything that went wrong', () => {
    expect(reasons(before)).toEqual(['caller: no re-INVITE came', 'caller: has not ended']);
    expect(
      reasons([...before, script.reinvite(10_100, 'ast2'), script.reinviteAnswered(10_102, 101, '481 Gone')]),
    ).toEqual(['caller: the phone answered it 481', 'caller: has not ended']);
    expect(
      reasons([
        ...before,
        script.reinvite(10_100, 'ast2'),
        script.reinviteAnswered(10_102),
        ...script.bye(15_000, '481 Gone'),
      ]),
    ).toEqual(['caller: its ACK did not arrive', 'caller: the BYE was answered 481']);
  });

  it('sees a CSeq that is not higher, a second re-INVITE, and one from the dead node', () => {
    const moved = [...before, ...script.recovered(5_000, 'ast1', 200)];
    expect(reasons([...moved, ...script.recovered(10_100, 'ast2', 150), ...script.bye(15_000)])).toEqual([
      'caller: its CSeq 150 is not higher than before',
    ]);
    expect(
      reasons([
        ...moved,
        ...script.recovered(10_100, 'ast1', 201),
        ...script.recovered(11_000, 'ast2', 202),
        ...script.bye(15_000),
      ]),
    ).toEqual(['caller: it came from the node that had died', 'caller: 2 re-INVITEs came']);
  });

  it('sees a second re-INVITE also where it has the CSeq of the first', () => {
    const both = [script.reinvite(10_100, 'ast2'), script.reinvite(10_101, 'ast3', 101, 'other')];
    const answers = [script.reinviteAnswered(10_102), script.reinviteAcked(10_105)];
    expect(reasons([...before, ...both, ...answers, ...script.bye(15_000)])).toEqual([
      'caller: 2 re-INVITEs came',
    ]);
  });

  it('finds calls of other nodes that got a re-INVITE all the same', () => {
    const other = new CallerScript({ callId: 'b@phone', number: '2' });
    const sip = [...before, ...other.established(1_000, 'ast2'), ...other.recovered(10_100, 'ast3')];
    expect(disturbed(callsOf(traced(sip).calls.values()), CRASH)).toEqual([
      expect.stringContaining('app 2: 1 re-INVITE(s)'),
    ]);
  });
});

describe('the silence that a phone hears', () => {
  it('is the longest that touches the time after the crash', () => {
    const trace = heard([...voiceAt(1, 0, 500), ...voiceAt(1, 4_000, 9_990), ...voiceAt(1, 10_200, 12_000)]);
    expect(trace.longestSilence(1, 10_000, 12_000)).toBe(220);
    expect(trace.longestSilence(1, 0, 12_000)).toBe(3_520);
  });

  it('lasts to the end where no voice comes back, and for ever where none ever came', () => {
    const trace = heard(voiceAt(1, 0, 10_000));
    expect(trace.longestSilence(1, 10_000, 14_980)).toBe(5_000);
    expect(trace.longestSilence(2, 10_000, 14_980)).toBe(Infinity);
  });

  it('is judged together with whose voice is heard', () => {
    const trace = heard([...voiceAt(1, 0, 100, 0x9e), ...voiceAt(1, 100, 200, 0xa6)]);
    expect(trace.heard(1, 0, 100)).toEqual(new Set(['caller']));
    expect(trace.heard(1, 0, 200)).toEqual(new Set(['caller', 'callee']));
    expect(trace.count(1, 0, 200)).toBe(10);
  });
});
