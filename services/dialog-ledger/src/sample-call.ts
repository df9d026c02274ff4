import type { Observed } from '@reinvite/sip';

const lines = (...all: string[]): string => all.join('\r\n');

const sdp = (user: string, address: string): string =>
  lines(
    'v=0',
    `o=${user} 1000000000 1000000000 IN IP4 ${address}`,
    `s=${user}`,
    `c=IN IP4 ${address}`,
    't=0 0',
    'm=audio 10000 RTP/AVP 0 8 9 111 101',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:9 G722/8000',
    'a=rtpmap:111 opus/48000/2',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ptime:20',
    'a=sendrecv',
    '',
  );

const head = (toTag: string, cseq: string): string =>
  lines(
    'Via: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bK-1',
    'Record-Route: <sip:10.0.0.5;lr;ftag=1>',
    'From: "Phone" <sip:phone@10.0.0.5>;tag=1',
    `To: <sip:service@10.0.0.5>${toTag}`,
    'Call-ID: sample',
    `CSeq: ${cseq}`,
  );

const session = lines('Session-Expires: 1800;refresher=uac', 'Content-Type: application/sdp');

/** A call as there are most: a phone through a proxy, voice, a session timer. What is like it packs best. */
export const sampleMessages: readonly { direction: Observed['direction']; text: string }[] = [
  {
    direction: 'received',
    text: lines(
      'INVITE sip:service@10.0.0.11:5060 SIP/2.0',
      head('', '1 INVITE'),
      'Contact: <sip:phone@192.168.1.2:5060;alias=10.0.0.9~5060~1>',
      session,
      '',
      sdp('-', '192.168.1.2'),
    ),
  },
  {
    direction: 'sent',
    text: lines(
      'SIP/2.0 200 OK',
      head(';tag=2', '1 INVITE'),
      'Contact: <sip:10.0.0.11:5060>',
      session,
      '',
      sdp('Asterisk', '10.0.0.11'),
    ),
  },
];
