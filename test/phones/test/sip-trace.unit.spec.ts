import { describe, expect, it } from 'vitest';
import type { Datagram } from '../src/capture/pcap.js';
import { callsOf } from '../src/observed/call.js';
import {
  byeOf,
  establishedAt,
  isTalkingAt,
  networkCseqBefore,
  nodeAt,
  reinvitesAfter,
  type PhoneCall,
} from '../src/observed/phone-call.js';
import { SipTrace } from '../src/observed/sip-trace.js';
import { CallerScript, EDGE, PHONES } from './frames.js';

function traced(datagrams: readonly Datagram[]): SipTrace {
  const trace = new SipTrace(PHONES);
  for (const datagram of datagrams) trace.add(datagram);
  return trace;
}

function only(trace: SipTrace): PhoneCall {
  const [call] = trace.calls.values();
  if (call === undefined) throw new Error('no call was seen');
  return call;
}

const script = new CallerScript({ callId: 'a@phone' });

describe('what a phone sees of a call', () => {
  it('is established with the ACK of its INVITE', () => {
    expect(establishedAt(only(traced([script.invite(100), script.answered(110, 'ast1')])))).toBeNull();
    const call = only(traced(script.established(100, 'ast1')));
    expect(establishedAt(call)).toBe(112);
    expect(call).toMatchObject({
      role: 'caller',
      number: '10001',
      dialled: 'app-10001',
      localTag: 'phone',
      remoteTag: 'ours',
    });
    expect([...call.rtpPorts]).toEqual([20_000]);
  });

  it('shows which node spoke last', () => {
    const call = only(traced([...script.established(100, 'ast1'), ...script.recovered(500, 'ast2')]));
    expect(nodeAt(call, 50)).toBe('');
    expect(nodeAt(call, 400)).toBe('ast1');
    expect(nodeAt(call, 500)).toBe('ast2');
  });

  it('counts a retransmission and keeps the first times', () => {
    const call = only(
      traced([
        ...script.established(100, 'ast1'),
        script.reinvite(500, 'ast2'),
        script.reinvite(1000, 'ast2'),
        script.reinviteAnswered(1010),
        script.reinviteAnswered(1510),
        script.reinviteAcked(1520),
      ]),
    );
    expect(reinvitesAfter(call, 400)).toMatchObject([
      { at: 500, times: 2, cseq: 101, answer: { status: 200, at: 1010 }, ackedAt: 1520 },
    ]);
    expect(networkCseqBefore(call, 500)).toBe(0);
    expect(networkCseqBefore(call, 501)).toBe(101);
  });

  it('tells a second request with the CSeq of the first by its branch, with its own answer and ACK', () => {
    const call = only(
      traced([
        ...script.established(100, 'ast1'),
        script.reinvite(500, 'ast2', 101, 'one'),
        script.reinvite(510, 'ast3', 101, 'two'),
        script.reinvite(1010, 'ast3', 101, 'two'),
        script.reinviteAnswered(1020, 101, '500 Busy', 'two'),
        script.reinviteAcked(1025, 101, 'two'),
        script.reinviteAnswered(1030, 101, '200 OK', 'one'),
        script.reinviteAcked(1040, 101),
      ]),
    );
    expect(reinvitesAfter(call, 400)).toMatchObject([
      { at: 500, times: 1, node: 'ast2', answer: { status: 200, at: 1030 }, ackedAt: 1040 },
      { at: 510, times: 2, node: 'ast3', answer: { status: 500, at: 1020 }, ackedAt: 1025 },
    ]);
  });

  it('gives an answer and an ACK with a branch that nobody used to the request with their CSeq', () => {
    const call = only(
      traced([
        ...script.established(100, 'ast1'),
        script.reinvite(500, 'ast2', 101, 'one'),
        script.reinviteAnswered(510, 101, '200 OK', 'none'),
        script.reinviteAcked(520, 101, 'none'),
      ]),
    );
    expect(reinvitesAfter(call, 400)).toMatchObject([{ times: 1, answer: { status: 200 }, ackedAt: 520 }]);
  });

  it('ends with the first BYE', () => {
    const call = only(traced([...script.established(100, 'ast1'), ...script.bye(300)]));
    expect(byeOf(call)).toMatchObject({ by: 'phone', at: 300, answer: { status: 200 } });
    expect(isTalkingAt(call, 111)).toBe(false);
    expect(isTalkingAt(call, 299)).toBe(true);
    expect(isTalkingAt(call, 300)).toBe(false);
  });

  it('does not show what a test has told the phone', () => {
    const call = only(
      traced([...script.established(100, 'ast1'), script.told(200, 'HANGUP'), ...script.bye(300)]),
    );
    expect(call.requests.map(({ method }) => method)).toEqual(['BYE']);
  });

  it('is not confused by what is unreadable, by keep-alives, or by requests of unknown dialogs', () => {
    const junk = { ...script.ack(1), payload: Buffer.from('INVITE nonsense\r\n\r\n') };
    const trace = traced([{ ...junk, payload: Buffer.alloc(4) }, junk, ...script.bye(5)]);
    expect(trace.calls.size).toBe(0);
    expect(trace.unreadable).toEqual([expect.stringContaining(PHONES)]);
    expect(EDGE).not.toBe(PHONES);
  });
});

describe('calls', () => {
  it('are their phones, joined by the number of the caller', () => {
    const caller = only(
      traced(
        new CallerScript({ callId: 'a@phone', dialled: 'dial-6001', number: '7' }).established(1, 'ast1'),
      ),
    );
    const callee: PhoneCall = { ...caller, callId: 'b@ast1', role: 'callee', dialled: 'phone-6001' };
    const stranger: PhoneCall = { ...callee, number: '8' };
    expect(callsOf([caller, callee, stranger])).toEqual([{ number: '7', kind: 'dial', caller, callee }]);
  });
});
