import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SessionDescription } from '../src/dialog/session.js';
import { applyMessage, dialogsOf, emptyCall, type CallDialogs } from '../src/dialog/fold.js';
import { decodeHep } from '../src/hep/decode.js';
import { parseSip } from '../src/message/parse.js';
import { recoveryVariables } from '../src/recovery/variables.js';

const AST1 = '10.77.1.101';

/**
 * What Asterisk 22.10.1 sent by `res_hep`: a phone behind the edge called, `Dial` called another phone, the caller hung up. One packet a line,
 * in base64.
 */
const packets = readFileSync(new URL('fixtures/asterisk-22-dial.hep.b64', import.meta.url), 'latin1')
  .trim()
  .split('\n')
  .map((line) => decodeHep(Buffer.from(line, 'base64')));

function foldUntil(method: string): CallDialogs[] {
  const calls = new Map<string, CallDialogs>();
  for (const { source, at, payload } of packets) {
    const message = parseSip(payload);
    if (message.cseq.method === method) break;
    const direction = source.address === AST1 ? 'sent' : 'received';
    const call = calls.get(message.callId) ?? emptyCall(message.callId);
    calls.set(message.callId, applyMessage(call, { direction, at, nodeId: 'ast1', message }));
  }
  return [...calls.values()];
}

describe('captures of a real Asterisk', () => {
  it('says which node it is, and over what', () => {
    expect(
      packets.every(
        ({ captureId, ipVersion, ipProtocol }) => captureId === 1 && ipVersion === 4 && ipProtocol === 17,
      ),
    ).toBe(true);
    expect(
      packets.every(({ captureName, correlationId }) => captureName === 'ast1' && correlationId !== null),
    ).toBe(true);
  });

  it('folds both legs of a call through Dial', () => {
    const [caller, callee] = foldUntil('BYE').flatMap(dialogsOf);
    if (caller === undefined || callee === undefined) throw new Error('two legs were expected');
    expect(caller).toMatchObject({
      role: 'uas',
      state: 'confirmed',
      localCSeq: 0,
      remoteCSeq: 1,
      unsure: [],
    });
    expect(callee).toMatchObject({
      role: 'uac',
      state: 'confirmed',
      localCSeq: 10_992,
      remoteCSeq: 0,
      unsure: [],
    });
    expect(recoveryVariables(caller)).toEqual({
      'PJSIP_RECOVERY_CALL-ID': '1-427@10.77.1.30',
      PJSIP_RECOVERY_FROM_DISPLAY: '',
      PJSIP_RECOVERY_FROM_URI: 'sip:dial-6000@10.77.1.10',
      PJSIP_RECOVERY_FROM_TAG: '8f8eaa1e-e234-4a07-bdc3-72edaf387a31',
      PJSIP_RECOVERY_TO_DISPLAY: 'Phone, \\"one\\"',
      PJSIP_RECOVERY_TO_URI: 'sip:phone@10.77.1.30:7000',
      PJSIP_RECOVERY_TO_TAG: '427p1',
      PJSIP_RECOVERY_CSEQ: '10',
      PJSIP_RECOVERY_ROUTES: '<sip:10.77.1.10;lr;ftag=427p1>',
      PJSIP_RECOVERY_REQUEST_URI: 'sip:phone@192.168.99.9:7000;alias=10.77.1.30~7000~1',
      PJSIP_RECOVERY_ROLE: 'uas',
      PJSIP_RECOVERY_SDP_ORIGIN: '53655765 2353687639',
      PJSIP_RECOVERY_SDP_STREAMS: 'm=audio 9 RTP/AVP 0|a=rtpmap:0 PCMU/8000|a=sendrecv|a=encryption:none',
      PJSIP_RECOVERY_TRANSPORT: 'udp',
    });
    expect(recoveryVariables(callee)).toMatchObject({
      PJSIP_RECOVERY_FROM_URI: 'sip:phone@10.77.1.101',
      PJSIP_RECOVERY_FROM_TAG: '1d0af533-1870-43a5-85da-8d1df49b1a58',
      PJSIP_RECOVERY_TO_URI: 'sip:phone-6000@10.77.1.10',
      PJSIP_RECOVERY_TO_TAG: '426s1',
      PJSIP_RECOVERY_CSEQ: '11002',
      PJSIP_RECOVERY_ROUTES: '<sip:10.77.1.10;lr;ftag=1d0af533-1870-43a5-85da-8d1df49b1a58>',
      PJSIP_RECOVERY_REQUEST_URI: 'sip:callee@192.168.77.7:6000;alias=10.77.1.30~6000~1',
    });
  });

  it('knows the session of both legs', () => {
    const codecs = (session: SessionDescription | null) =>
      session?.streams.map((stream) => stream.codecs.map(({ name }) => name));
    const [caller, callee] = foldUntil('BYE').flatMap(dialogsOf);
    if (caller === undefined || callee === undefined) throw new Error('two legs were expected');
    expect(caller.localSession?.origin).toEqual({
      username: '-',
      sessionId: '53655765',
      version: '2353687639',
    });
    expect(caller.remoteSession?.origin.version).toBe('2353687637');
    expect([caller.localSession, caller.remoteSession].map(codecs)).toEqual([[['PCMU']], [['PCMU']]]);
    expect([callee.localSession, callee.remoteSession].map(codecs)).toEqual([
      [['PCMU', 'PCMA', 'telephone-event']],
      [['PCMU']],
    ]);
    // Asterisk asked for a timer, and the phone's 200 did not grant one.
    expect([caller.sessionTimer, callee.sessionTimer]).toEqual([null, null]);
  });

  it('sees the end of both legs', () => {
    expect(
      foldUntil('never')
        .flatMap(dialogsOf)
        .map(({ state }) => state),
    ).toEqual(['ended', 'ended']);
  });
});
