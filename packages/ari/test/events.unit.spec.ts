import { describe, expect, it } from 'vitest';
import { readEvent } from '../src/events.js';

const channel = {
  id: 'ast1-1.2',
  name: 'PJSIP/edge-00000001',
  state: 'Up',
  protocol_id: 'abc@phone',
  caller: { name: 'Ann', number: '100' },
  connected: { name: '', number: '' },
  accountcode: '',
  dialplan: { context: 'from-edge', exten: 'app-1', priority: 2, app_name: 'Stasis', app_data: 'demo,app' },
  creationtime: '2026-11-21T04:55:48.432+0000',
  language: 'en',
};
const stasisStart = {
  type: 'StasisStart',
  timestamp: '2026-11-21T05:55:48.500+0100',
  args: ['app'],
  channel,
  asterisk_id: 'x',
  application: 'demo',
};

describe('readEvent', () => {
  it('gives channels in our terms and times in epoch ms', () => {
    const reading = readEvent(stasisStart);
    expect(reading).toMatchObject({
      kind: 'event',
      event: {
        type: 'StasisStart',
        timestamp: Date.UTC(2026, 10, 21, 4, 55, 48, 500),
        channel: {
          protocolId: 'abc@phone',
          createdAt: Date.UTC(2026, 10, 21, 4, 55, 48, 432),
          dialplan: { extension: 'app-1', appName: 'Stasis' },
        },
      },
    });
  });

  it('names an event type that it does not know, and does not fail', () => {
    expect(readEvent({ type: 'RESTResponse', uri: 'x' })).toEqual({ kind: 'unknown', type: 'RESTResponse' });
  });

  it('says what is wrong with an event that does not fit', () => {
    expect(readEvent({ ...stasisStart, channel: { ...channel, id: '' } })).toMatchObject({
      kind: 'invalid',
      type: 'StasisStart',
    });
    expect(readEvent({ ...stasisStart, timestamp: 'yesterday' })).toMatchObject({
      kind: 'invalid',
      type: 'StasisStart',
    });
  });

  it.each([[undefined], [null], [{}], ['x'], [[]], [{ type: 7 }]])('takes %j without failing', (raw) => {
    expect(readEvent(raw)).toMatchObject({ kind: 'invalid', type: '' });
  });
});
