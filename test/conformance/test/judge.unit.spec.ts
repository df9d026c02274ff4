import { describe, expect, it } from 'vitest';
import { caseOf } from '../src/cases/case.js';
import { judge } from '../src/judge/judge.js';
import { besides, onAnotherBranch, only, witnessOf, type Doctored } from './recovered-call.js';

const replaced =
  (search: string | RegExp, by: string) =>
  (text: string): string => {
    const now = text.replace(search, by);
    if (now === text) throw new Error(`nothing to doctor: ${String(search)}`);
    return now;
  };
const inReinvite = (search: string | RegExp, by: string): Doctored => ({
  doctor: only('reinvite', replaced(search, by)),
});
const adds =
  (line: string) =>
  (text: string): string =>
    `${text}${line}\n`;
const gone = (name: string): Doctored => ({ doctor: only(name, () => undefined) });

describe('a call that came back as it should', () => {
  it('passes', () => {
    expect(judge(witnessOf())).toMatchObject({ result: 'passed', faults: [] });
  });
});

describe('a re-INVITE that was sent again', () => {
  it('is still one', () => {
    expect(judge(witnessOf({ more: [besides(205, 'INVITE', 21)] }))).toMatchObject({
      result: 'passed',
      faults: [],
    });
  });
});

/** One doctored thing each, and what the verdict must find wrong with it. */
const DOCTORED: readonly (readonly [what: string, how: Doctored, fault: RegExp])[] = [
  [
    'local and remote are swapped',
    inReinvite(/(From|To): (.*)\n(From|To): (.*)\n/, 'From: $4\nTo: $2\n'),
    /its From tag/,
  ],
  ['a tag is another', inReinvite('tag=ours', 'tag=other'), /its From tag is other, not ours/],
  ['the display name is lost', inReinvite('"Phone" <', '<'), /its To is/],
  [
    'the CSeq is of the phone',
    { test: caseOf('one', 'x', { timer: 'phone' }, { extras: { phoneCseq: 21 } }) },
    /number space/,
  ],
  ['the target is stale', inReinvite('sip:one@10.0.0.30:7000', 'sip:two@10.0.0.30:7000'), /its Request-URI/],
  ['the edge is left out', inReinvite(/Via: SIP\/2\.0\/UDP 10\.0\.0\.10;.*\n/, ''), /the proxies on its way/],
  [
    'a proxy too many',
    inReinvite('Via: ', 'Via: SIP/2.0/UDP 10.0.0.11;branch=z9hG4bKx\nVia: '),
    /the proxies on its way/,
  ],
  [
    'it comes from the dead node',
    inReinvite('UDP 10.0.0.102', 'UDP 10.0.0.101'),
    /Via of ast1, which is dead/,
  ],
  ['a branch is stale', inReinvite('z9hG4bKnINVITE21', 'z9hG4bKpINVITE1'), /was used before/],
  [
    'the lowest hop went over TCP',
    inReinvite('UDP 10.0.0.102', 'TCP 10.0.0.102'),
    /transport of its lowest Via/,
  ],
  [
    'Asterisk record-routes',
    inReinvite('Contact:', 'Record-Route: <sip:10.0.0.102;lr>\nContact:'),
    /Record-Route/,
  ],
  ['its Contact is of the dead node', inReinvite('<sip:10.0.0.102', '<sip:10.0.0.101'), /its Contact/],
  ['it has no offer', inReinvite(/v=0[^]*/, ''), /it has no offer/],
  ['the session is another', inReinvite('o=- 77', 'o=- 78'), /session id/],
  ['the version has not risen', inReinvite('o=- 77 6', 'o=- 77 5'), /the version of its offer/],
  ['a hold is lost', inReinvite('a=sendrecv', 'a=sendonly'), /the direction that it offers/],
  ['another codec is first', inReinvite('AVP 8 0', 'AVP 0 8'), /the codec that it offers first/],
  [
    'a payload type means another codec',
    inReinvite('rtpmap:101 telephone-event', 'rtpmap:101 opus'),
    /payload type 101/,
  ],
  ['a stream is lost', inReinvite(/m=audio[^]*/, ''), /the number of its streams/],
  ['SRTP is asked where there was none', inReinvite('RTP/AVP', 'RTP/SAVP'), /the profile of its stream/],
  [
    'a key is lost',
    { doctor: only('200', adds('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x')) },
    /its first key/,
  ],
  [
    'the DTLS fingerprint is lost',
    { doctor: only('200', adds('a=fingerprint:SHA-256 AA\na=setup:active')) },
    /it has no fingerprint/,
  ],
  [
    'what was refused is offered again',
    {
      doctor: (name, text) => {
        if (name === '200') return `${text}m=video 0 RTP/AVP 99\n`;
        return name === 'reinvite' ? `${text}m=video 4002 RTP/AVP 99\n` : text;
      },
    },
    /offers video again/,
  ],
  ['the session timer is lost', inReinvite(/Session-Expires.*\n/, ''), /no Session-Expires/],
  ['the refresher has changed', inReinvite('refresher=uas', 'refresher=uac'), /its refresher/],
  ['the interval has changed', inReinvite('1800', '3600'), /its Session-Expires/],
  [
    'no re-INVITE came',
    { doctor: (name, text) => (/reinvite|its /.test(name) ? undefined : text) },
    /0 re-INVITEs came/,
  ],
  ['two came', { more: [besides(300, 'INVITE', 22)] }, /2 re-INVITEs came/],
  ['its ACK did not come', gone('its ack'), /the ACK of the 200/],
  [
    'the phone’s re-INVITE is refused',
    { doctor: only('own 200', replaced('200 OK', '481 Gone')) },
    /the phone's INVITE was answered 481/,
  ],
  [
    'the phone’s re-INVITE brings another direction',
    { doctor: only('own 200', replaced('a=sendrecv', 'a=inactive')) },
    /answered inactive/,
  ],
  ['the phone’s UPDATE is not answered', gone('update 200'), /the phone's UPDATE was answered nothing/],
  [
    'the phone’s BYE gets 481',
    { doctor: only('bye 200', replaced('200 OK', '481 Gone')) },
    /the phone's BYE was answered 481/,
  ],
  [
    'the phone never came to hang up',
    { doctor: (name, text) => (name.startsWith('bye') ? undefined : text) },
    /came to no BYE/,
  ],
  ['our side hung up', { more: [besides(500, 'BYE', 22)] }, /our side hung up/],
  [
    'a second one has the CSeq of the first',
    { more: [onAnotherBranch(besides(205, 'INVITE', 21))] },
    /2 re-INVITEs came, not 1/,
  ],
  [
    'the audit says failed',
    { audit: [{ outcome: 'failed', reason: 'dialog-gone' }] },
    /the audit says failed \(dialog-gone\)/,
  ],
  ['the audit does not know of it', { audit: [] }, /the audit says nothing/],
  [
    'it went on too early',
    { test: caseOf('one', 'late', { timer: 'phone' }, { extras: { answersAfterMs: 2_000 } }) },
    /before the phone had answered/,
  ],
  ['the audit has it twice', { audit: [{}, {}] }, /the audit has it once more: recovered/],
  ['the call had not come about', { ready: false }, /did not come about/],
];

describe('a verdict finds', () => {
  it.each(DOCTORED)('that %s', (_, how, fault) => {
    const { result, faults } = judge(witnessOf(how));
    expect(result).toBe('failed');
    expect(faults.join('\n')).toMatch(fault);
  });

  it('that the CSeq is not higher', () => {
    const lower = (text: string): string => text.replace(/CSeq: 21 (INVITE|ACK)/, 'CSeq: 0 $1');
    const { faults } = judge(witnessOf({ doctor: (_, text) => lower(text) }));
    expect(faults).toContain('its CSeq 0 is not above 0');
  });
});

describe('a call that is not to come back', () => {
  const silent = caseOf('one', 'silence', { answer: 'silence', timer: 'phone' });
  const unanswered = (name: string, text: string): string | undefined =>
    /^(its|own|update|bye)/.test(name) ? undefined : text;
  const audit = [{ outcome: 'failed', reason: 'phone-unreachable' }];

  it('is reported, not recovered', () => {
    expect(judge(witnessOf({ test: silent, doctor: unanswered, audit }))).toMatchObject({
      result: 'not recovered',
      reason: 'phone-unreachable',
      faults: [],
    });
  });

  it('fails where it has another reason', () => {
    const other = [{ outcome: 'failed', reason: 'dialog-gone' }];
    expect(judge(witnessOf({ test: silent, doctor: unanswered, audit: other })).result).toBe('failed');
  });

  it('fails where our side ends what could have lived', () => {
    const more = [besides(5_000, 'BYE', 22)];
    const { faults } = judge(witnessOf({ test: silent, doctor: unanswered, audit, more }));
    expect(faults).toEqual(['our side hung up']);
  });

  it('fails where an early call is dialled', () => {
    const early = caseOf('one', 'early', {}, { extras: { stage: 'early' } });
    const skipped = [{ outcome: 'skipped', reason: 'dialog-early' }];
    const { faults } = judge(witnessOf({ test: early, doctor: unanswered, audit: skipped }));
    expect(faults).toContain('1 re-INVITEs came, not 0');
  });

  it('fails where a call of a living node is touched', () => {
    const elsewhere = caseOf('one', 'elsewhere', {}, { extras: { elsewhere: true } });
    const { faults } = judge(witnessOf({ test: elsewhere, doctor: unanswered, audit: [] }));
    expect(faults).toContain('1 re-INVITEs came, not 0');
  });
});
