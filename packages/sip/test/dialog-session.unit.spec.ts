import { describe, expect, it } from 'vitest';
import type { Dialog } from '../src/dialog/dialog.js';
import type { Observed } from '../src/dialog/observe.js';
import { fold, inDialog, only, ourRequest } from './calls.js';
import { capture, type MessageParts } from './messages.js';
import { sdp } from './sdp.js';

/** As both sides say it: the id of our sessions is 100, that of the peer's 200. */
const ours = (version: number, direction?: string): string =>
  sdp({ id: '100', version, ...(direction === undefined ? {} : { direction }) });
const theirs = (version: number, direction?: string): string =>
  sdp({ id: '200', version, ...(direction === undefined ? {} : { direction }) });

/** Versions and directions of both sides. */
const said = ({ localSession, remoteSession, unsure }: Dialog) => ({
  ours: [localSession?.origin.version, localSession?.streams[0]?.direction],
  theirs: [remoteSession?.origin.version, remoteSession?.streams[0]?.direction],
  unsure,
});

const theirInvite = { from: '<sip:phone@10.77.0.9>;tag=p1', to: '<sip:app@10.77.0.5>', cseq: '7 INVITE' };
const contact = '<sip:c@192.0.2.1>';
const RELIABLE = ['Require: 100rel', 'RSeq: 1'];
const received = (at: number, parts: Partial<MessageParts>) =>
  capture('received', at, { ...inDialog, contact, cseq: '7 INVITE', ...parts });
const sent = (at: number, parts: Partial<MessageParts>) =>
  capture('sent', at, { ...inDialog, contact, cseq: '7 INVITE', ...parts });
const asked = (at: number, parts: Partial<MessageParts>) =>
  capture('sent', at, { ...ourRequest, contact, cseq: '50 INVITE', ...parts });
const answered = (at: number, parts: Partial<MessageParts>) =>
  capture('received', at, { ...ourRequest, contact, cseq: '50 INVITE', ...parts });

const invite = capture('received', 0, { ...theirInvite, contact, sdp: theirs(1) });
const bareInvite = capture('received', 0, { ...theirInvite, contact });
const ok = sent(100, { status: 200, sdp: ours(1) });
const call = [invite, ok];

/** Whatever the order is, and were each message captured twice. */
const always = (messages: readonly Observed[]) => {
  const seen = said(only(messages));
  expect(said(only([...messages.toReversed(), ...messages]))).toEqual(seen);
  return seen;
};

describe('offer and answer', () => {
  const plain = { ours: ['1', 'sendrecv'], theirs: ['1', 'sendrecv'], unsure: [] };

  it('in the INVITE and its 2xx', () => {
    expect(always(call)).toEqual(plain);
  });

  it('in the 2xx and the ACK', () => {
    const ack = received(110, { cseq: '7 ACK', sdp: theirs(1) });
    expect(always([bareInvite, ok, ack])).toEqual(plain);
    expect(always([bareInvite, ok])).toMatchObject({ unsure: ['session-unseen'] });
  });

  it('in the INVITE and a reliable 183, which the 2xx need not repeat', () => {
    const progress = sent(50, { status: 183, sdp: ours(1), headers: RELIABLE });
    const prack = received(55, { cseq: '8 PRACK', headers: ['RAck: 1 7 INVITE'] });
    const prackOk = sent(56, { cseq: '8 PRACK', status: 200 });
    const early = [invite, progress, prack, prackOk];
    expect(only(early)).toMatchObject({ state: 'early', localSession: { origin: { version: '1' } } });
    expect(always([...early, sent(100, { status: 200 })])).toEqual(plain);
    expect(always([...early, ok])).toEqual(plain);
  });

  it('in the reliable 183 and its PRACK, and once more in a PRACK and its 2xx', () => {
    const progress = sent(50, { status: 183, sdp: ours(1), headers: RELIABLE });
    const prack = received(55, { cseq: '8 PRACK', headers: ['RAck: 1 7 INVITE'], sdp: theirs(1) });
    const prackOk = sent(56, { cseq: '8 PRACK', status: 200 });
    const end = sent(100, { status: 200 });
    expect(always([bareInvite, progress, prack, prackOk, end])).toEqual(plain);
    const offer = received(55, {
      cseq: '8 PRACK',
      headers: ['RAck: 1 7 INVITE'],
      sdp: theirs(2, 'inactive'),
    });
    const answer = sent(56, { cseq: '8 PRACK', status: 200, sdp: ours(2, 'inactive') });
    expect(always([invite, progress, offer, answer, end])).toEqual({
      ours: ['2', 'inactive'],
      theirs: ['2', 'inactive'],
      unsure: [],
    });
  });

  it('takes an unreliable 183 for a forecast, until the call is answered', () => {
    const progress = sent(50, { status: 183, sdp: ours(1) });
    expect(only([invite, progress]).localSession).toBeNull();
    expect(always([invite, progress, sent(100, { status: 200 })])).toEqual(plain);
  });

  it('in an UPDATE before the call is answered, though the 2xx repeats the first answer', () => {
    const progress = sent(50, { status: 183, sdp: ours(1), headers: RELIABLE });
    const update = asked(60, { cseq: '50 UPDATE', sdp: ours(2, 'sendonly') });
    const updateOk = answered(70, { cseq: '50 UPDATE', status: 200, sdp: theirs(2, 'recvonly') });
    expect(always([invite, progress, update, updateOk, ok])).toEqual({
      ours: ['2', 'sendonly'],
      theirs: ['2', 'recvonly'],
      unsure: [],
    });
  });
});

describe('the session of a call that goes on', () => {
  const hold = asked(1_000, { sdp: ours(2, 'sendonly') });
  const holdOk = answered(1_010, { status: 200, sdp: theirs(2, 'recvonly') });
  const held = { ours: ['2', 'sendonly'], theirs: ['2', 'recvonly'], unsure: [] };

  it('is held by us, and by the peer', () => {
    expect(always([...call, hold, holdOk])).toEqual(held);
    const theirHold = received(2_000, { cseq: '8 INVITE', sdp: theirs(3, 'inactive') });
    const theirHoldOk = sent(2_010, { cseq: '8 INVITE', status: 200, sdp: ours(3, 'inactive') });
    expect(always([...call, hold, holdOk, theirHold, theirHoldOk])).toEqual({
      ours: ['3', 'inactive'],
      theirs: ['3', 'inactive'],
      unsure: [],
    });
  });

  it('is what it was when an offer is refused, but the version that we used is used up', () => {
    const refused = answered(1_010, { status: 488 });
    expect(always([...call, hold, refused])).toEqual({
      ours: ['2', 'sendrecv'],
      theirs: ['1', 'sendrecv'],
      unsure: [],
    });
  });

  it('is what it was while an offer is open, and says so', () => {
    expect(always([...call, hold])).toEqual({
      ours: ['2', 'sendrecv'],
      theirs: ['1', 'sendrecv'],
      unsure: ['session-open'],
    });
  });

  it('says so when only the answer of the last exchange was captured', () => {
    expect(always([...call, holdOk])).toEqual({
      ours: ['1', 'sendrecv'],
      theirs: ['2', 'recvonly'],
      unsure: ['session-unseen'],
    });
  });

  it('does not change by an UPDATE without a session', () => {
    const update = asked(1_000, { cseq: '51 UPDATE' });
    const updateOk = answered(1_001, { cseq: '51 UPDATE', status: 200 });
    expect(always([...call, update, updateOk])).toMatchObject({ ours: ['1', 'sendrecv'], unsure: [] });
  });

  it('outlives any number of UPDATEs that only refresh the session timer', () => {
    const refreshes = Array.from({ length: 40 }, (_, index) => {
      const cseq = `${8 + index} UPDATE`;
      return [received(1_000 + index, { cseq }), sent(1_000 + index, { cseq, status: 200 })];
    });
    expect(always([...call, ...refreshes.flat()])).toMatchObject({
      ours: ['1', 'sendrecv'],
      theirs: ['1', 'sendrecv'],
      unsure: [],
    });
  });

  it('outlives refusals, however often what we ask for is refused', () => {
    const refusals = (method: string, offers: boolean) =>
      Array.from({ length: 20 }, (_, index) => {
        const cseq = `${51 + index} ${method}`;
        const offer = offers ? { sdp: ours(2 + index) } : {};
        return [asked(1_000 + index, { cseq, ...offer }), answered(1_000 + index, { cseq, status: 488 })];
      }).flat();
    const before = { theirs: ['1', 'sendrecv'], unsure: [] };
    expect(always([...call, ...refusals('UPDATE', false)])).toEqual({ ours: ['1', 'sendrecv'], ...before });
    for (const method of ['UPDATE', 'INVITE'])
      expect(always([...call, ...refusals(method, true)])).toEqual({ ours: ['21', 'sendrecv'], ...before });
  });

  it('is in doubt when an UPDATE of ours was refused that was not captured: it may have used a version', () => {
    const refused = answered(1_010, { cseq: '51 UPDATE', status: 488 });
    expect(always([...call, refused])).toMatchObject({ unsure: ['session-open'] });
    const [later, laterOk] = [asked(2_000, { cseq: '52 INVITE', sdp: ours(3) }), theirs(2)];
    const agreed = [later, answered(2_010, { cseq: '52 INVITE', status: 200, sdp: laterOk })];
    expect(always([...call, refused, ...agreed])).toMatchObject({ ours: ['3', 'sendrecv'], unsure: [] });
    const theirs488 = sent(1_010, { cseq: '8 UPDATE', status: 488 });
    expect(always([...call, theirs488])).toMatchObject({ unsure: [] });
  });

  it('is that of the second node after a recovery, though the clock of that node be late', () => {
    const again = capture('sent', 500, { ...ourRequest, contact, cseq: '60 INVITE', sdp: ours(3) }, 'ast2');
    const againOk = capture(
      'received',
      510,
      { ...ourRequest, contact, cseq: '60 INVITE', status: 200, sdp: theirs(3) },
      'ast2',
    );
    const theirHold = received(2_000, { cseq: '8 INVITE', sdp: theirs(2, 'sendonly') });
    const theirHoldOk = sent(2_010, { cseq: '8 INVITE', status: 200, sdp: ours(2, 'recvonly') });
    expect(always([...call, theirHold, theirHoldOk, again, againOk])).toEqual({
      ours: ['3', 'sendrecv'],
      theirs: ['3', 'sendrecv'],
      unsure: [],
    });
  });

  it('goes on with what can be read, and says when something cannot', () => {
    const torn = received(2_000, { cseq: '8 INVITE', sdp: 'v=0\r\no=torn\r\n' });
    const tornOk = sent(2_010, { cseq: '8 INVITE', status: 200, sdp: ours(2) });
    expect(only([...call, torn, tornOk])).toMatchObject({
      localSession: { origin: { version: '2' } },
      remoteSession: null,
      unsure: ['session-unseen'],
    });
  });

  it('belongs to its fork', () => {
    const uac = (tag: string, version: number) =>
      capture('received', version, {
        from: '<sip:us@x>;tag=a1',
        to: `<sip:them@x>;tag=${tag}`,
        cseq: '1 INVITE',
        status: 183,
        headers: RELIABLE,
        contact,
        sdp: theirs(version),
      });
    const offer = capture('sent', 0, {
      from: '<sip:us@x>;tag=a1',
      to: '<sip:them@x>',
      cseq: '1 INVITE',
      contact,
      sdp: ours(1),
    });
    expect(
      fold([offer, uac('p1', 10), uac('p2', 20)]).map(({ remoteTag, remoteSession, localSession }) => [
        remoteTag,
        remoteSession?.origin.version,
        localSession?.origin.version,
      ]),
    ).toEqual([
      ['p1', '10', '1'],
      ['p2', '20', '1'],
    ]);
  });
});

describe('the session timer', () => {
  const timed = (value: string) => ({ headers: [`Session-Expires: ${value}`] });
  const timerOf = (...messages: Observed[]) => only(messages).sessionTimer;

  it('is that of the 2xx, with the refresher seen from our side', () => {
    expect(timerOf(invite, sent(100, { status: 200, ...timed('1800;refresher=uac') }))).toEqual({
      intervalS: 1_800,
      refresher: 'remote',
    });
    expect(timerOf(invite, sent(100, { status: 200, ...timed('90;refresher=uas') }))).toEqual({
      intervalS: 90,
      refresher: 'local',
    });
    expect(timerOf(invite, ok)).toBeNull();
  });

  it('is renewed, changed and switched off by re-INVITE and UPDATE of either side, not by what they ask', () => {
    const start = [invite, sent(100, { status: 200, ...timed('1800;refresher=uac') })];
    const ask = asked(1_000, { cseq: '50 UPDATE', ...timed('600;refresher=uac') });
    const grant = answered(1_001, { cseq: '50 UPDATE', status: 200, ...timed('600;refresher=uac') });
    const refuse = answered(1_001, { cseq: '50 UPDATE', status: 422 });
    expect(timerOf(...start, ask, refuse)).toEqual({ intervalS: 1_800, refresher: 'remote' });
    expect(timerOf(...start, ask, grant)).toEqual({ intervalS: 600, refresher: 'local' });
    expect(timerOf(grant, ask, ...start)).toEqual({ intervalS: 600, refresher: 'local' });
    const off = sent(2_000, { cseq: '8 INVITE', status: 200 });
    expect(timerOf(...start, ask, grant, received(1_999, { cseq: '8 INVITE' }), off)).toBeNull();
  });

  it('has the side that asked as refresher where the answer names none', () => {
    expect(timerOf(invite, sent(100, { status: 200, ...timed('1800') }))).toMatchObject({
      refresher: 'remote',
    });
  });
});
