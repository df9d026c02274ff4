import type { AriEvent } from '@reinvite/ari';
import { callFact } from '@reinvite/domain';
import { describe, expect, it } from 'vitest';
import { CallPicture } from '../src/calls/picture.js';
import {
  bridge,
  bridgeCreated,
  bridgeDestroyed,
  changed,
  channel,
  destroyed,
  dialed,
  entered,
  inApp,
} from './observed.js';

const picture = () => new CallPicture('ast1', '42');
const types = (facts: readonly { type: string }[]) => facts.map(({ type }) => type);

describe('the picture of a node’s calls', () => {
  it('tells a leg with its endpoint, Call-ID, place in the dialplan and application', () => {
    const [fact] = picture().apply(changed(channel('1'), 2_000));
    expect(callFact.parse(fact)).toMatchObject({
      type: 'LegObserved',
      nodeId: 'ast1',
      incarnation: '42',
      at: 2_000,
      endpoint: 'edge',
      sipCallId: 'call-1',
      state: 'Up',
      createdAt: 1_000,
      stasisApp: 'demo',
      dialedBy: null,
      dialplan: { extension: 'app-1', priority: 2 },
    });
  });

  it.each([
    ['an endpoint with dashes', 'PJSIP/trunk-a-0000002f', 'trunk-a'],
    ['an endpoint with a slash', 'PJSIP/a/b-0000002f', 'a/b'],
  ])('reads %s from the name of the channel', (_, name, endpoint) => {
    expect(picture().apply(changed(channel('1', { name })))).toMatchObject([{ endpoint }]);
  });

  it.each([
    ['of another technology', { name: 'Local/x@y-00000001;1' }],
    ['left over from a masquerade', { name: 'PJSIP/edge-00000001<ZOMBIE>' }],
    ['without a Call-ID yet', { protocolId: '' }],
  ])('leaves out a channel %s', (_, change) => {
    const calls = picture();
    expect(calls.apply(changed(channel('1', change)))).toEqual([]);
    expect(calls.apply(destroyed(channel('1', change)))).toEqual([]);
  });

  it.each([
    [{ 'CHANNEL(linkedid)': 'ast1-1.1' }, 'ast1-1.1'],
    [{ REINVITE_LINKEDID: '', 'CHANNEL(linkedid)': 'ast1-1.1' }, 'ast1-1.1'],
    [{ REINVITE_LINKEDID: 'ast2-7.1', 'CHANNEL(linkedid)': 'reinvite-x-0-1' }, 'ast2-7.1'],
    [{ 'CHANNEL(linkedid)': '' }, undefined],
    [{}, undefined],
  ])('tells which call a leg belongs to, whatever node that began on: %j', (variables, linkedId) => {
    const [fact] = picture().apply(changed(channel('1', { variables })));
    expect(callFact.parse(fact)).toEqual(fact);
    expect(fact).toMatchObject({ type: 'LegObserved' });
    expect(fact?.type === 'LegObserved' ? fact.linkedId : null).toBe(linkedId);
  });

  it('tells nothing where nothing that counts has changed', () => {
    const calls = picture();
    calls.apply(changed(channel('1'), 2_000));
    expect(calls.apply(changed(channel('1'), 2_500))).toEqual([]);
    const talkingTo = { connected: { name: 'Bob', number: '7' } };
    expect(calls.apply(changed(channel('1', talkingTo), 2_600))).toEqual([]);
    expect(calls.apply(changed(channel('1', { state: 'Ring' }), 2_700))).toHaveLength(1);
  });

  it.each([
    ['ChannelHold', {}],
    ['ChannelUnhold', {}],
    ['ChannelHangupRequest', {}],
    ['ChannelDtmfReceived', { digit: '1' }],
    ['ChannelVarset', { variable: 'x', value: 'y' }],
    ['ChannelUserevent', { eventname: 'x', userevent: {} }],
    ['ChannelConnectedLine', {}],
    ['StasisEnd', {}],
  ] as [AriEvent['type'], object][])('sees where a leg is by whatever event shows it: %s', (type, more) => {
    const calls = picture();
    calls.apply(changed(channel('1', inApp('AppDial2', '(Outgoing Line)', 's'))));
    const event = { timestamp: 3_000, application: '', type, channel: channel('1'), ...more } as AriEvent;
    expect(calls.apply(event)).toMatchObject([{ type: 'LegObserved', channelId: '1', stasisApp: 'demo' }]);
    expect(calls.apply(event)).toEqual([]);
    calls.apply(destroyed(channel('1')));
    expect(calls.apply(event)).toEqual([]);
  });

  it('knows who dialled a leg, also when that leg is told again later', () => {
    const calls = picture();
    const caller = channel('1', inApp('Dial', 'PJSIP/edge/sip:b@x'));
    const callee = channel('2', { state: 'Down', ...inApp('AppDial') });
    expect(calls.apply(dialed(caller, callee))).toMatchObject([
      { channelId: '1' },
      { channelId: '2', dialedBy: '1' },
    ]);
    expect(calls.apply(changed({ ...callee, state: 'Up' }))).toMatchObject([{ state: 'Up', dialedBy: '1' }]);
  });

  it('tells a bridge with all its channels, and its end', () => {
    const calls = picture();
    const both = bridge('b', ['1', '2'], 'basic');
    expect(calls.apply(entered(both, channel('2')))).toMatchObject([
      { type: 'LegObserved', channelId: '2' },
      { type: 'BridgeObserved', bridgeId: 'b', bridgeClass: 'basic', channelIds: ['1', '2'] },
    ]);
    expect(types(calls.apply(bridgeDestroyed(both)))).toEqual(['BridgeGone']);
    expect(calls.facts()).toMatchObject([{ channelId: '2' }]);
  });

  it('tells a bridge that is made anew under the id of one that has ended', () => {
    const calls = picture();
    calls.apply(bridgeCreated(bridge('b', [])));
    calls.apply(bridgeDestroyed(bridge('b', [])));

    expect(types(calls.apply(bridgeCreated(bridge('b', []))))).toEqual(['BridgeObserved']);
    calls.apply(changed(channel('1')));
    expect(calls.apply(entered(bridge('b', ['1']), channel('1')))).toMatchObject([
      { type: 'BridgeObserved', bridgeId: 'b', channelIds: ['1'] },
    ]);
  });

  it('lets nothing that has ended come back by a late event', () => {
    const calls = picture();
    const callee = channel('2');
    calls.apply(changed(callee));
    expect(calls.apply(destroyed(callee, 17))).toMatchObject([
      { type: 'LegGone', channelId: '2', cause: 17 },
    ]);
    expect(calls.apply(dialed(undefined, callee, 'BUSY'))).toEqual([]);
    expect(calls.apply(destroyed(callee))).toEqual([]);
    calls.replace({ channels: [callee], bridges: [], dialedBy: new Map() }, 9_500);
    expect(calls.facts()).toEqual([]);
  });

  it('begins anew with a snapshot: what that does not have is gone, who dialled whom is kept', () => {
    const calls = picture();
    calls.apply(dialed(channel('1'), channel('2')));
    calls.apply(changed(channel('3')));
    calls.replace(
      {
        channels: [channel('1'), channel('2'), channel('5')],
        bridges: [bridge('b', ['1', '2'])],
        dialedBy: new Map([['5', '1']]),
      },
      5_000,
    );
    expect(calls.liveLegs).toBe(3);
    expect(calls.facts()).toMatchObject([
      { channelId: '1', dialedBy: null, at: 5_000 },
      { channelId: '2', dialedBy: '1' },
      { channelId: '5', dialedBy: '1' },
      { bridgeId: 'b' },
    ]);
  });
});
