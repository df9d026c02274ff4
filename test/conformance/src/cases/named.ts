import { caseOf, type Case } from './case.js';

/** The ways in which calls are known to be lost elsewhere, each as a case of its own. */
export function named(): Case[] {
  return [
    caseOf(
      'swap',
      'the last message before the crash was the phone’s',
      {},
      { extras: { lastWordIsThePhones: true } },
    ),
    caseOf(
      'swap-called',
      'the last message before the crash was the phone’s, which had been called',
      { phone: 'callee' },
      { extras: { lastWordIsThePhones: true } },
    ),
    caseOf(
      'cseq-space',
      'the phone counts from two million, we from the beginning',
      { phone: 'caller', hold: 'us' },
      { extras: { phoneCseq: 2_000_000 } },
    ),
    caseOf('cseq-low', 'the phone finds the CSeq too low', { phone: 'callee', hold: 'us', answer: '500' }),
    caseOf(
      'route-dropped',
      'one Record-Route, and no other way to the phone',
      { phone: 'callee' },
      { extras: { behindNat: true } },
    ),
    caseOf('route-order', 'two Record-Routes, inbound', { proxies: 'two' }),
    caseOf('route-order-called', 'two Record-Routes, outbound', { proxies: 'two', phone: 'callee' }),
    caseOf('challenged', 'the INVITE was challenged', { digest: 'initial' }),
    caseOf('challenged-called', 'our INVITE was challenged', { digest: 'initial', phone: 'callee' }),
    caseOf('moved-reinvite', 'the phone moved by re-INVITE', { refresh: 're-invite' }),
    caseOf('moved-update', 'the phone moved by UPDATE', { refresh: 'update', phone: 'callee' }),
    caseOf('held-us', 'held by us', { hold: 'us' }),
    caseOf('held-phone', 'held by the phone', { hold: 'phone', phone: 'callee' }),
    caseOf('tcp', 'TCP at the phone and at Asterisk', { transport: 'tcp' }, { extras: { trunk: 'tcp' } }),
    caseOf(
      'tcp-called',
      'TCP at the phone and at Asterisk, outbound',
      { transport: 'tcp', phone: 'callee' },
      { extras: { trunk: 'tcp' } },
    ),
    caseOf('tls', 'TLS at the phone and at Asterisk', { transport: 'tls' }, { extras: { trunk: 'tls' } }),
    caseOf(
      'tls-called',
      'TLS at the phone and at Asterisk, outbound',
      { transport: 'tls', phone: 'callee' },
      { extras: { trunk: 'tls' } },
    ),
    caseOf('ipv6', 'IPv6 at the phone and at Asterisk', { family: 'ipv6' }, { extras: { trunk: '6' } }),
    caseOf(
      'ipv6-called',
      'IPv6 at the phone and at Asterisk, outbound',
      { family: 'ipv6', phone: 'callee' },
      { extras: { trunk: '6' } },
    ),
    caseOf('srtp', 'SRTP with keys in SDP', {}, { extras: { srtp: 'sdes' } }),
    caseOf(
      'srtp-called',
      'SRTP with keys in SDP, outbound',
      { phone: 'callee' },
      { extras: { srtp: 'sdes' } },
    ),
    caseOf('dtls', 'SRTP with DTLS', {}, { extras: { srtp: 'dtls' } }),
    caseOf(
      'timer-us',
      'a session timer that we refresh, and do',
      { timer: 'us' },
      { extras: { sessionExpires: 90, awaitsRefresh: true } },
    ),
    caseOf('timer-phone', 'a session timer that the phone refreshes', { timer: 'phone', phone: 'callee' }),
    caseOf('via', 'no Via of the dead node, no branch of before', { hold: 'us', phone: 'callee' }),
    caseOf('ended', 'the call had ended', {}, { extras: { stage: 'ended' } }),
    caseOf('early', 'it was still ringing, inbound', {}, { extras: { stage: 'early' } }),
    caseOf(
      'early-called',
      'it was still ringing, outbound',
      { phone: 'callee' },
      { extras: { stage: 'early' } },
    ),
    caseOf('late-answer', 'the phone takes two seconds to answer', {}, { extras: { answersAfterMs: 2_000 } }),
    caseOf('other-node', 'a call of a node that lives', {}, { extras: { elsewhere: true } }),
  ];
}
