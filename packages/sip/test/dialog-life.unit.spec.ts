import { describe, expect, it } from 'vitest';
import { applyMessage, emptyCall } from '../src/dialog/fold.js';
import { fold, only, inbound, outbound, inDialog, ourRequest, established, answered } from './calls.js';
import { CALL_ID, capture, EDGE, OUTER } from './messages.js';

describe('inside a dialog', () => {
  const reinvite = capture('received', 3_000, {
    ...inDialog,
    cseq: '8 INVITE',
    contact: '<sip:phone@192.168.9.9:7777>',
  });
  const reinviteOk = capture('sent', 3_001, {
    ...inDialog,
    status: 200,
    cseq: '8 INVITE',
    contact: '<sip:10.77.0.11:5060>',
  });
  const update = capture('received', 4_000, {
    ...inDialog,
    cseq: '9 UPDATE',
    contact: '<sip:phone@192.168.9.9:8888>',
  });
  const updateOk = capture('sent', 4_001, {
    ...inDialog,
    status: 200,
    cseq: '9 UPDATE',
    contact: '<sip:10.77.0.11:5060>',
  });
  const ours = capture('sent', 5_000, {
    ...ourRequest,
    cseq: '30001 INVITE',
    contact: '<sip:10.77.0.11:5060>',
  });
  const oursOk = capture('received', 5_010, {
    ...ourRequest,
    status: 200,
    cseq: '30001 INVITE',
    contact: '<sip:phone@192.168.9.9:9999>',
  });

  it('follows target refreshes of the peer by re-INVITE and UPDATE, and in the answer to ours', () => {
    expect(only([...established, reinvite, reinviteOk])).toMatchObject({
      remoteTarget: 'sip:phone@192.168.9.9:7777',
      unsure: [],
      remoteCSeq: 8,
    });
    expect(only([...established, reinvite, reinviteOk, update, updateOk]).remoteTarget).toBe(
      'sip:phone@192.168.9.9:8888',
    );
    expect(only([...established, reinvite, reinviteOk, update, updateOk, ours, oursOk])).toMatchObject({
      remoteTarget: 'sip:phone@192.168.9.9:9999',
      localCSeq: 30_001,
      routeSet: [EDGE, OUTER],
    });
  });

  it('keeps the target over many refreshes of the session timer that say nothing of it', () => {
    const refreshes = Array.from({ length: 40 }, (_, index) => {
      const [theirs, own] = [`${10 + index} UPDATE`, `${31_000 + index} UPDATE`];
      return [
        capture('received', 6_000 + index, { ...inDialog, cseq: theirs }),
        capture('sent', 6_000 + index, { ...inDialog, status: 200, cseq: theirs }),
        capture('sent', 7_000 + index, { ...ourRequest, cseq: own }),
        capture('received', 7_000 + index, { ...ourRequest, status: 200, cseq: own }),
      ];
    });
    const before = [...established, reinvite, reinviteOk];
    expect(only([...before, ...refreshes.flat()])).toMatchObject({
      remoteTarget: 'sip:phone@192.168.9.9:7777',
      unsure: [],
    });
  });

  it('keeps the target when a refresh was refused, however often it is sent again', () => {
    const refused = capture('sent', 3_001, { ...inDialog, status: 488, cseq: '8 INVITE' });
    const again = { ...reinvite, at: reinvite.at + 500_000 };
    expect(only([...established, reinvite, refused, again])).toMatchObject({
      remoteTarget: expect.stringContaining('alias') as string,
      unsure: [],
      state: 'confirmed',
    });
  });

  it('is unsure of a refresh that nobody was seen to answer, unless it changes nothing', () => {
    expect(only([...established, reinvite]).unsure).toEqual(['target-refresh-open', 'session-open']);
    const same = capture('received', 3_000, {
      ...inDialog,
      cseq: '8 INVITE',
      contact: '<sip:phone@192.168.9.9:5070;alias=10.77.0.9~5070~1>',
    });
    expect(only([...established, same]).unsure).toEqual(['session-open']);
  });

  it('does not take the old Contact back from a 200 that is sent again', () => {
    const again = { ...outbound.ok, at: outbound.ok.at + 2_500_000 };
    const moved = capture('received', 3_000, {
      from: '<sip:phone@10.77.0.5>;tag=p1',
      to: '"Alice" <sip:alice@10.77.0.11>;tag=a1',
      cseq: '1 INVITE',
      contact: '<sip:moved@192.0.2.7>',
    });
    expect(only([...answered, moved, again]).remoteTarget).toBe('sip:moved@192.0.2.7');
  });

  it('counts every request of ours, of whatever method, but neither ACK nor CANCEL', () => {
    const info = capture('sent', 3_000, { ...ourRequest, cseq: '41 INFO' });
    const notify = capture('sent', 3_100, { ...ourRequest, cseq: '42 NOTIFY' });
    const ack = capture('sent', 3_200, { ...ourRequest, cseq: '77 ACK' });
    const cancel = capture('sent', 3_200, { ...ourRequest, cseq: '78 CANCEL' });
    expect(only([...established, info, notify, ack, cancel]).localCSeq).toBe(42);
  });

  it('learns the CSeq of a request of ours from its answer, when the request itself was not captured', () => {
    expect(
      only([...established, capture('received', 3_000, { ...ourRequest, status: 200, cseq: '55 INFO' })])
        .localCSeq,
    ).toBe(55);
  });

  it('keeps its parties and routes through re-INVITEs that look different', () => {
    const strange = capture('received', 3_000, {
      from: '"Renamed" <sip:renamed@elsewhere>;tag=p1',
      to: '<sip:app@10.77.0.5>;tag=a1',
      cseq: '8 INVITE',
      contact: '<sip:phone@192.168.9.9:7777>',
      recordRoute: ['<sip:new;lr>'],
    });
    expect(only([...established, strange, reinviteOk])).toMatchObject({
      remote: { displayName: 'Phone, "one"' },
      routeSet: [EDGE, OUTER],
    });
  });

  it('ends by the BYE of either side, and by 481 or 408 to a request of ours', () => {
    expect(only([...established, inbound.bye, inbound.byeOk])).toMatchObject({
      state: 'ended',
      endedAt: 1_800_000_009_000,
    });
    expect(only([...established, capture('sent', 3_000, { ...ourRequest, cseq: '2 BYE' })]).state).toBe(
      'ended',
    );
    for (const status of [481, 408]) {
      expect(
        only([
          ...established,
          ours,
          capture('received', 5_100, { ...ourRequest, status, cseq: '30001 INVITE' }),
        ]).state,
      ).toBe('ended');
    }
    expect(
      only([...established, capture('received', 5_100, { ...ourRequest, status: 481, cseq: '3 NOTIFY' })])
        .state,
    ).toBe('confirmed');
    expect(
      only([
        ...established,
        ours,
        capture('received', 5_100, { ...ourRequest, status: 491, cseq: '30001 INVITE' }),
      ]).state,
    ).toBe('confirmed');
  });

  it('goes on when another node re-INVITEs, and a third', () => {
    const second = capture(
      'sent',
      60_000,
      { ...ourRequest, cseq: '10 INVITE', contact: '<sip:10.77.0.12:5060>', via: 'SIP/2.0/UDP 10.77.0.12' },
      'ast2',
    );
    const secondOk = capture(
      'received',
      60_040,
      {
        ...ourRequest,
        status: 200,
        cseq: '10 INVITE',
        contact: '<sip:phone@192.168.9.9:5070;alias=10.77.0.9~5070~1>',
      },
      'ast2',
    );
    const third = capture(
      'sent',
      90_000,
      { ...ourRequest, cseq: '20 INVITE', contact: '<sip:10.77.0.13:5060>' },
      'ast3',
    );
    expect(only([...established, second])).toMatchObject({
      nodeId: 'ast2',
      localCSeq: 10,
      state: 'confirmed',
      unsure: ['session-open'],
    });
    expect(only([...established, second, secondOk, third])).toMatchObject({
      nodeId: 'ast3',
      localCSeq: 20,
      localContact: 'sip:10.77.0.13:5060',
      routeSet: [EDGE, OUTER],
      unsure: ['session-open'],
    });
  });

  it('belongs to the node with the higher CSeq, though the clock of that node be late', () => {
    const first = capture('sent', 3_000, { ...ourRequest, cseq: '5 INFO' });
    const second = capture('sent', 2_000, { ...ourRequest, cseq: '15 INVITE' }, 'ast2');
    expect(only([...established, first, second]).nodeId).toBe('ast2');
  });
});

describe('a request of the peer that is answered 481', () => {
  const asked = { ...inDialog, cseq: '8 INVITE', contact: '<sip:phone@192.168.9.9:7777>' };
  const denied = { ...inDialog, status: 481, cseq: '8 INVITE' };

  it('is no dialog that lives, when nothing else is known of it', () => {
    const stray = [capture('received', 0, asked), capture('sent', 1, denied)];
    expect(only(stray)).toMatchObject({ state: 'ended', endedAt: 1_800_000_000_001 });
    expect(only(stray.toReversed()).state).toBe('ended');
  });

  it('ends the dialog when the node that holds it says so, unless it lived on', () => {
    const ended = [...established, capture('received', 3_000, asked), capture('sent', 3_001, denied)];
    expect(only(ended)).toMatchObject({ state: 'ended', endedAt: 1_800_000_003_001 });
    const info = { ...inDialog, cseq: '9 INFO' };
    const lives = capture('sent', 4_001, { ...info, status: 200 });
    expect(only([...ended, capture('received', 4_000, info), lives]).state).toBe('confirmed');
  });

  it('leaves the dialog with the node that holds it, when the request went astray to another', () => {
    const astray = [capture('received', 3_000, asked, 'ast2'), capture('sent', 3_001, denied, 'ast2')];
    expect(only([...established, ...astray])).toMatchObject({
      state: 'confirmed',
      nodeId: 'ast1',
      remoteTarget: expect.stringContaining('alias') as string,
      unsure: [],
    });
  });

  it('is forgotten when the node that said so takes the dialog over', () => {
    const astray = [capture('received', 3_000, asked, 'ast2'), capture('sent', 3_001, denied, 'ast2')];
    const takenOver = capture('sent', 4_000, { ...ourRequest, cseq: '30001 INVITE' }, 'ast2');
    const messages = [...established, ...astray, takenOver];
    expect(only(messages)).toMatchObject({ state: 'confirmed', nodeId: 'ast2' });
    const deniedAgain = capture('sent', 5_001, { ...inDialog, status: 481, cseq: '9 INVITE' }, 'ast2');
    expect(only([...messages, deniedAgain]).state).toBe('ended');
  });

  it('leaves the target unsure when we took one that was not captured', () => {
    const taken = capture('sent', 3_001, { ...inDialog, status: 200, cseq: '8 INVITE' });
    expect(only([...established, taken]).unsure).toEqual(['target-refresh-open']);
    const noContact = capture('received', 3_000, { ...inDialog, cseq: '8 INVITE' });
    expect(only([...established, noContact, taken]).unsure).toEqual([]);
  });
});

describe('a dialog whose beginning was not captured', () => {
  it('is inferred from our own request, and says so', () => {
    const ours = capture('sent', 5_000, {
      ...ourRequest,
      requestUri: 'sip:phone@192.0.2.9:5070',
      cseq: '31 INVITE',
      contact: '<sip:10.77.0.11>',
    });
    expect(only([ours])).toMatchObject({
      state: 'confirmed',
      routeSet: [EDGE, OUTER],
      remoteTarget: 'sip:phone@192.0.2.9:5070',
      local: { uri: 'sip:app@10.77.0.5' },
      unsure: ['creation-unseen', 'target-inferred', 'session-unseen'],
    });
  });

  it('has the routes of the INVITE though its answer was not captured', () => {
    const ack = capture('received', 1_010, {
      ...inDialog,
      cseq: '8 UPDATE',
      contact: '<sip:phone@192.168.9.9:5070;alias=10.77.0.9~5070~1>',
    });
    expect(only([inbound.invite, ack])).toMatchObject({
      localTag: 'a1',
      routeSet: [EDGE, OUTER],
      unsure: [],
    });
  });

  it('is unsure of a UAC dialog whose answer was not captured', () => {
    const ours = capture('sent', 3_000, {
      from: '"Alice" <sip:alice@10.77.0.11>;tag=a1',
      to: '<sip:phone@10.77.0.5>;tag=p1',
      cseq: '102 INVITE',
      route: [EDGE, OUTER],
    });
    expect(only([outbound.invite, outbound.inviteAgain, ours])).toMatchObject({
      routeSet: [EDGE, OUTER],
      unsure: ['creation-unseen', 'target-inferred', 'session-unseen'],
    });
  });
});

describe('what is no dialog of an INVITE', () => {
  const other = { from: '<sip:a@x>;tag=1', to: '<sip:b@x>;tag=2' };
  it.each(['REGISTER', 'OPTIONS', 'SUBSCRIBE', 'NOTIFY', 'MESSAGE', 'PUBLISH'])(
    'leaves %s alone',
    (method) => {
      const request = capture('sent', 0, { ...other, cseq: `1 ${method}` });
      const response = capture('received', 1, { ...other, status: 200, cseq: `1 ${method}` });
      expect(fold([request, response])).toEqual([]);
      const call = emptyCall(CALL_ID);
      expect(applyMessage(call, response)).toBe(call);
    },
  );

  it('keeps the two dialogs of a call that comes back to its cluster apart', () => {
    const seen = { ...outbound.ok, direction: 'sent' as const, nodeId: 'ast2' };
    const asked = { ...outbound.inviteAgain, direction: 'received' as const, nodeId: 'ast2' };
    expect(
      fold([...answered, asked, seen]).map(({ role, nodeId, localTag }) => [role, nodeId, localTag]),
    ).toEqual([
      ['uac', 'ast1', 'a1'],
      ['uas', 'ast2', 'p1'],
    ]);
  });
});
