import { isCoded } from '@reinvite/runtime';
import { describe, expect, it } from 'vitest';
import type { Dialog } from '../src/dialog/dialog.js';
import { recoveryVariables } from '../src/recovery/variables.js';
import { answered, established, only } from './calls.js';
import { CALL_ID } from './messages.js';

const inbound = (but: Partial<Dialog> = {}): Dialog => ({ ...only(established), ...but });

const STREAMS =
  'm=audio 9 RTP/AVP 0 101|a=rtpmap:0 PCMU/8000|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|a=sendrecv|a=encryption:none';

describe('the variables of a recovery', () => {
  it('for a call that the phone made: To of our 200, From of its INVITE, Record-Route in order', () => {
    expect(recoveryVariables(inbound())).toEqual({
      'PJSIP_RECOVERY_CALL-ID': CALL_ID,
      PJSIP_RECOVERY_FROM_DISPLAY: '',
      PJSIP_RECOVERY_FROM_URI: 'sip:app@10.77.0.5',
      PJSIP_RECOVERY_FROM_TAG: 'a1',
      PJSIP_RECOVERY_TO_DISPLAY: 'Phone, \\"one\\"',
      PJSIP_RECOVERY_TO_URI: 'sip:phone@10.77.0.9',
      PJSIP_RECOVERY_TO_TAG: 'p1',
      PJSIP_RECOVERY_CSEQ: '10',
      PJSIP_RECOVERY_ROUTES: '<sip:10.77.0.5;lr;ftag=p1>,<sip:198.51.100.1;lr>',
      PJSIP_RECOVERY_REQUEST_URI: 'sip:phone@192.168.9.9:5070;alias=10.77.0.9~5070~1',
      PJSIP_RECOVERY_ROLE: 'uas',
      PJSIP_RECOVERY_SDP_ORIGIN: '9000 1',
      PJSIP_RECOVERY_SDP_STREAMS: STREAMS,
      PJSIP_RECOVERY_TRANSPORT: 'udp',
    });
  });

  it('for a call that Asterisk made: From of our INVITE, To of its 200, Record-Route reversed, a higher CSeq', () => {
    expect(recoveryVariables(only(answered))).toEqual({
      'PJSIP_RECOVERY_CALL-ID': CALL_ID,
      PJSIP_RECOVERY_FROM_DISPLAY: 'Alice',
      PJSIP_RECOVERY_FROM_URI: 'sip:alice@10.77.0.11',
      PJSIP_RECOVERY_FROM_TAG: 'a1',
      PJSIP_RECOVERY_TO_DISPLAY: '',
      PJSIP_RECOVERY_TO_URI: 'sip:phone@10.77.0.5',
      PJSIP_RECOVERY_TO_TAG: 'p1',
      PJSIP_RECOVERY_CSEQ: '111',
      PJSIP_RECOVERY_ROUTES: '<sip:10.77.0.5;lr;ftag=p1>,<sip:198.51.100.1;lr>',
      PJSIP_RECOVERY_REQUEST_URI: 'sip:phone@192.168.9.9:5070;alias=10.77.0.9~5070~1',
      PJSIP_RECOVERY_ROLE: 'uac',
      PJSIP_RECOVERY_SDP_ORIGIN: '9000 1',
      PJSIP_RECOVERY_SDP_STREAMS: STREAMS,
      PJSIP_RECOVERY_TRANSPORT: 'udp',
    });
  });

  it('leaves display names out of routes and keeps their parameters', () => {
    const routeSet = ['"A, B" <sip:p1;lr>;x=1;y', 'Proxy <sip:p2>'];
    expect(recoveryVariables(inbound({ routeSet })).PJSIP_RECOVERY_ROUTES).toBe('<sip:p1;lr>;x=1;y,<sip:p2>');
    expect(recoveryVariables(inbound({ routeSet: [] })).PJSIP_RECOVERY_ROUTES).toBe('');
  });

  it.each([
    ['a TAB, and what looks like one', ' Ann\tof\u0085 Two\u007f\u00a0Lines\r\n', 'Ann of Two Lines'],
    [
      'what is too long, on the boundary of a character',
      `x${'\u{1f600}'.repeat(200)}`,
      `x${'\u{1f600}'.repeat(124)}`,
    ],
    ['what is escaped, each with its backslash', '"'.repeat(600), '\\"'.repeat(500)],
  ])('writes a display name such that the module takes it: %s', (_what, displayName, written) => {
    const { local, remote } = inbound();
    const variables = recoveryVariables(
      inbound({ local: { ...local, displayName }, remote: { ...remote, displayName } }),
    );
    expect(variables.PJSIP_RECOVERY_FROM_DISPLAY).toBe(written);
    expect(variables.PJSIP_RECOVERY_TO_DISPLAY).toBe(written);
  });

  it('takes as many routes as the module does, however long', () => {
    const routeSet = Array.from({ length: 16 }, (_, index) => `<sip:p${index};lr;cookie=${'x'.repeat(480)}>`);
    expect(recoveryVariables(inbound({ routeSet })).PJSIP_RECOVERY_ROUTES).toBe(routeSet.join(','));
  });

  it.each([
    ['localTag', { localTag: '' }],
    ['remoteTag', { remoteTag: '' }],
    ['remoteTarget', { remoteTarget: null }],
    ['remote.uri', { remote: { displayName: 'x', uri: '' } }],
    ['localCSeq', { localCSeq: 2 ** 31 - 11 }],
    ['routeSet', { routeSet: Array.from({ length: 17 }, (_, index) => `<sip:p${index};lr>`) }],
    ['routeSet', { routeSet: Array.from({ length: 5 }, () => `<sip:${'p'.repeat(1_700)};lr>`) }],
  ] as const)('names the field that is missing: %s', (field, but) => {
    expect(() => recoveryVariables(inbound(but))).toThrow(
      expect.toSatisfy(
        (error) => isCoded(error, 'DIALOG_INCOMPLETE') && error.details.field === field,
      ) as Error,
    );
  });
});
