import { describe, expect, it } from 'vitest';
import { fold, only, inbound, outbound, inDialog, established, answered } from './calls.js';
import { parseSdp } from '../src/session/parse.js';
import { ASTERISK_SDP, CALL_ID, capture, EDGE, inboundCall, OUTER, PHONE_SDP } from './messages.js';

describe('a call that the phone made (Asterisk is UAS)', () => {
  it('has the parties, routes and target of the creation', () => {
    expect(only(established)).toEqual({
      callId: CALL_ID,
      localTag: 'a1',
      remoteTag: 'p1',
      role: 'uas',
      state: 'confirmed',
      nodeId: 'ast1',
      local: { displayName: '', uri: 'sip:app@10.77.0.5' },
      remote: { displayName: 'Phone, "one"', uri: 'sip:phone@10.77.0.9' },
      inviteCSeq: 7,
      localCSeq: 0,
      remoteCSeq: 7,
      routeSet: [EDGE, OUTER],
      remoteTarget: 'sip:phone@192.168.9.9:5070;alias=10.77.0.9~5070~1',
      localContact: 'sip:10.77.0.11:5060',
      transport: 'udp',
      digestChallenged: false,
      localSession: parseSdp(ASTERISK_SDP),
      remoteSession: parseSdp(PHONE_SDP),
      sessionTimer: null,
      createdAt: 1_800_000_000_000,
      updatedAt: 1_800_000_001_000,
      confirmedAt: 1_800_000_001_000,
      endedAt: null,
      unsure: [],
    });
  });

  it('is an invitation without our tag until we answer with one, then early', () => {
    expect(only([inbound.invite, inbound.trying])).toMatchObject({
      localTag: '',
      remoteTag: 'p1',
      state: 'early',
    });
    expect(only([inbound.invite, inbound.trying, inbound.ringing])).toMatchObject({
      localTag: 'a1',
      state: 'early',
    });
  });

  it('ends when it is cancelled or refused, with a tag and without', () => {
    const cancel = capture('received', 30, {
      from: '<sip:phone@10.77.0.9>;tag=p1',
      to: '<sip:app@10.77.0.5>',
      cseq: '7 CANCEL',
    });
    const busy = capture('sent', 30, { ...inDialog, status: 486, cseq: '7 INVITE' });
    for (const end of [cancel, busy]) {
      expect(only([inbound.invite, end])).toMatchObject({ state: 'ended', endedAt: 1_800_000_000_030 });
      expect(only([inbound.invite, inbound.ringing, end])).toMatchObject({ state: 'ended', localTag: 'a1' });
    }
  });

  it('lives when a CANCEL crossed the 200', () => {
    const cancel = capture('received', 990, {
      from: '<sip:phone@10.77.0.9>;tag=p1',
      to: '<sip:app@10.77.0.5>',
      cseq: '7 CANCEL',
    });
    expect(only([...established, cancel]).state).toBe('confirmed');
  });

  it('goes on at the node that answered after another refused it', () => {
    const first = inboundCall('ast1');
    const second = inboundCall('ast2');
    const refused = capture('sent', 1, {
      ...inDialog,
      to: '<sip:app@10.77.0.5>;tag=other',
      status: 503,
      cseq: '7 INVITE',
    });
    const later = { ...second.invite, at: second.invite.at + 5_000 };
    expect(only([first.invite, refused, later])).toMatchObject({ state: 'early', localTag: '' });
    expect(only([first.invite, refused, later, second.ringing])).toMatchObject({
      state: 'early',
      nodeId: 'ast2',
    });
    expect(only([first.invite, refused, later, second.ringing, second.ok])).toMatchObject({
      state: 'confirmed',
      nodeId: 'ast2',
    });
  });
});

describe('a call that Asterisk made (UAC)', () => {
  it('reverses the Record-Route of the answer, and counts the INVITE that was challenged', () => {
    expect(only(answered)).toMatchObject({
      localTag: 'a1',
      remoteTag: 'p1',
      role: 'uac',
      state: 'confirmed',
      local: { displayName: 'Alice', uri: 'sip:alice@10.77.0.11' },
      remote: { displayName: '', uri: 'sip:phone@10.77.0.5' },
      localCSeq: 101,
      remoteCSeq: 0,
      routeSet: [EDGE, OUTER],
      remoteTarget: 'sip:phone@192.168.9.9:5070;alias=10.77.0.9~5070~1',
      localContact: 'sip:asterisk@10.77.0.11:5060',
      digestChallenged: true,
      unsure: [],
    });
  });

  it('takes the route set of the 2xx over that of the 180', () => {
    const ringing = capture('received', 50, {
      from: '"Alice" <sip:alice@10.77.0.11>;tag=a1',
      to: '<sip:phone@10.77.0.5>;tag=p1',
      status: 183,
      cseq: '101 INVITE',
      contact: '<sip:early@192.0.2.1>',
      recordRoute: ['<sip:early;lr>'],
    });
    expect(only([outbound.invite, outbound.inviteAgain, ringing])).toMatchObject({
      routeSet: ['<sip:early;lr>'],
      remoteTarget: 'sip:early@192.0.2.1',
      state: 'early',
    });
    expect(only([...answered, ringing])).toMatchObject({
      routeSet: [EDGE, OUTER],
      remoteTarget: expect.stringContaining('alias') as string,
    });
  });

  it('keeps early dialogs of a fork apart, and ends those that a final refusal leaves', () => {
    const fork = capture('received', 60, {
      from: '"Alice" <sip:alice@10.77.0.11>;tag=a1',
      to: '<sip:phone@10.77.0.5>;tag=p2',
      status: 180,
      cseq: '101 INVITE',
      contact: '<sip:other@192.0.2.2>',
    });
    const refused = capture('received', 70, {
      from: '"Alice" <sip:alice@10.77.0.11>;tag=a1',
      to: '<sip:phone@10.77.0.5>;tag=edge',
      status: 603,
      cseq: '101 INVITE',
    });
    const early = [outbound.invite, outbound.inviteAgain, outbound.ringing, fork];
    expect(fold(early).map(({ remoteTag, state }) => [remoteTag, state])).toEqual([
      ['p1', 'early'],
      ['p2', 'early'],
    ]);
    expect(fold([...early, refused]).map(({ state }) => state)).toEqual(['ended', 'ended']);
  });

  it('ends the other early dialogs of a fork when one is confirmed, unless they are confirmed as well', () => {
    const other = {
      from: '"Alice" <sip:alice@10.77.0.11>;tag=a1',
      to: '<sip:phone@10.77.0.5>;tag=p2',
      cseq: '101 INVITE',
      contact: '<sip:other@192.0.2.2>',
    };
    const fork = capture('received', 60, { ...other, status: 180 });
    const early = [outbound.invite, outbound.inviteAgain, outbound.ringing, fork];
    for (const messages of [
      [...early, outbound.ok],
      [outbound.ok, ...early],
    ]) {
      const [one, two] = fold(messages).sort((a, b) => a.remoteTag.localeCompare(b.remoteTag));
      expect(one).toMatchObject({ remoteTag: 'p1', state: 'confirmed', endedAt: null });
      expect(two).toMatchObject({ remoteTag: 'p2', state: 'ended', endedAt: 1_800_000_002_000 });
    }
    const alsoOk = capture('received', 2_100, { ...other, status: 200 });
    expect(fold([...early, outbound.ok, alsoOk]).map(({ state }) => state)).toEqual([
      'confirmed',
      'confirmed',
    ]);
  });

  it('ends an early dialog by 199', () => {
    const terminated = capture('received', 70, {
      from: '"Alice" <sip:alice@10.77.0.11>;tag=a1',
      to: '<sip:phone@10.77.0.5>;tag=p1',
      cseq: '101 INVITE',
      status: 199,
    });
    expect(only([outbound.invite, outbound.inviteAgain, outbound.ringing, terminated]).state).toBe('ended');
  });

  it('is not ended by the answer to the INVITE without credentials', () => {
    expect(
      only([outbound.invite, outbound.challenge, outbound.challengeAck, outbound.inviteAgain]),
    ).toMatchObject({ state: 'early', digestChallenged: true });
  });
});
