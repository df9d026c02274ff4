/** A call that came back as it should, message by message as its phone saw it, to be doctored. */
import { parseSip } from '@reinvite/sip';
import { caseOf, type Case } from '../src/cases/case.js';
import type { AuditEntry } from '../src/play/audit.js';
import type { Witness } from '../src/play/witness.js';
import { readTrace, type TracedMessage } from '../src/judge/trace.js';

export const CRASH_AT = 10_000;
const CALL_ID = 'call-1@phones';
const PHONE = '"Phone" <sip:one@10.0.0.30>;tag=phone';
const OURS = '<sip:app@10.0.0.10>';
const ROUTE = 'Record-Route: <sip:10.0.0.10;lr>';

type Step = readonly [name: string, at: number, by: TracedMessage['by'], text: string];

const sdp = (id: number, version: number, direction = 'sendrecv'): string => `v=0
o=- ${id} ${version} IN IP4 10.0.0.10
s=-
c=IN IP4 10.0.0.10
t=0 0
m=audio 4000 RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=${direction}
`;

function request(method: string, by: TracedMessage['by'], cseq: number, lines: string[], body = ''): string {
  const [from, to] = by === 'phone' ? [PHONE, `${OURS};tag=ours`] : [`${OURS};tag=ours`, PHONE];
  const node = cseq >= 20 ? '10.0.0.102' : '10.0.0.101';
  const vias =
    by === 'phone'
      ? [`Via: SIP/2.0/UDP 10.0.0.30:7000;branch=z9hG4bKp${method}${cseq}`]
      : [
          `Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKe${method}${cseq}`,
          `Via: SIP/2.0/UDP ${node}:5060;branch=z9hG4bKn${method}${cseq}`,
        ];
  const target = by === 'phone' ? 'sip:10.0.0.102:5060' : 'sip:one@10.0.0.30:7000';
  return [
    `${method} ${target} SIP/2.0`,
    ...vias,
    `From: ${from}`,
    `To: ${to}`,
    `Call-ID: ${CALL_ID}`,
    `CSeq: ${cseq} ${method}`,
    ...lines,
    '',
    body,
  ].join('\n');
}

function answer(by: TracedMessage['by'], cseq: number, method: string, lines: string[], body = ''): string {
  const [from, to] = by === 'network' ? [PHONE, `${OURS};tag=ours`] : [`${OURS};tag=ours`, PHONE];
  return [
    'SIP/2.0 200 OK',
    `Via: SIP/2.0/UDP 10.0.0.30:7000;branch=z9hG4bKa${method}${cseq}`,
    `From: ${from}`,
    `To: ${to}`,
    `Call-ID: ${CALL_ID}`,
    `CSeq: ${cseq} ${method}`,
    ...lines,
    '',
    body,
  ].join('\n');
}

const PHONE_CONTACT = 'Contact: <sip:one@10.0.0.30:7000>';
const TIMER = 'Session-Expires: 1800;refresher=';

/** The same for every case: a phone that called in, with a session timer that it refreshes. */
function steps(): Step[] {
  return [
    ['invite', 1_000, 'phone', initial()],
    [
      '200',
      1_100,
      'network',
      answer('network', 1, 'INVITE', [ROUTE, 'Contact: <sip:10.0.0.101:5060>', `${TIMER}uac`], sdp(77, 5)),
    ],
    ['ack', 1_200, 'phone', request('ACK', 'phone', 1, [])],
    [
      'reinvite',
      CRASH_AT + 200,
      'network',
      request('INVITE', 'network', 21, ['Contact: <sip:10.0.0.102:5060>', `${TIMER}uas`], sdp(77, 6)),
    ],
    [
      'its 200',
      CRASH_AT + 210,
      'phone',
      answer('phone', 21, 'INVITE', [PHONE_CONTACT, `${TIMER}uas`], sdp(20001, 2)),
    ],
    ['its ack', CRASH_AT + 220, 'network', request('ACK', 'network', 21, [])],
    ['own invite', CRASH_AT + 700, 'phone', request('INVITE', 'phone', 2, [PHONE_CONTACT], sdp(20001, 3))],
    [
      'own 200',
      CRASH_AT + 710,
      'network',
      answer('network', 2, 'INVITE', ['Contact: <sip:10.0.0.102:5060>'], sdp(77, 7)),
    ],
    ['own ack', CRASH_AT + 720, 'phone', request('ACK', 'phone', 2, [])],
    ['update', CRASH_AT + 800, 'phone', request('UPDATE', 'phone', 3, [PHONE_CONTACT])],
    [
      'update 200',
      CRASH_AT + 810,
      'network',
      answer('network', 3, 'UPDATE', ['Contact: <sip:10.0.0.102:5060>']),
    ],
    ['bye', CRASH_AT + 900, 'phone', request('BYE', 'phone', 4, [])],
    ['bye 200', CRASH_AT + 910, 'network', answer('network', 4, 'BYE', [])],
  ];
}

function initial(): string {
  return request('INVITE', 'phone', 1, [PHONE_CONTACT, `${TIMER}uac`], sdp(20001, 1)).replace(
    ';tag=ours',
    '',
  );
}

export interface Doctored {
  readonly test?: Case;
  /** Gives a message another text, or none: then it was never seen. */
  readonly doctor?: (name: string, text: string) => string | undefined;
  /** Comes besides. */
  readonly more?: readonly Step[];
  readonly audit?: readonly Partial<AuditEntry>[];
  readonly ready?: boolean;
}

export function witnessOf({ test, doctor, more = [], audit = [{}], ready = true }: Doctored = {}): Witness {
  const played = [...steps(), ...more].sort(([, a], [, b]) => a - b);
  return {
    test: test ?? caseOf('one', 'a call', { timer: 'phone' }),
    hosts: {
      nodes: new Map([
        ['ast1', ['10.0.0.101']],
        ['ast2', ['10.0.0.102']],
      ]),
      edge: ['10.0.0.10'],
      proxy: ['10.0.0.11'],
    },
    trace: played.flatMap(([name, at, by, text]): TracedMessage[] => {
      const now = doctor === undefined ? text : doctor(name, text);
      if (now === undefined) return [];
      const raw = now.replaceAll('\n', '\r\n');
      return [{ at, by, transport: 'udp', raw, message: parseSip(Buffer.from(raw)) }];
    }),
    crashes: [{ node: 'ast1', at: CRASH_AT }],
    audit: audit.map((entry) => ({
      sipCallId: CALL_ID,
      nodeId: 'ast1',
      outcome: 'recovered',
      reason: null,
      target: 'ast2',
      attempts: 1,
      answeredAt: CRASH_AT + 215,
      ...entry,
    })),
    ready,
    trouble: '',
    complaints: '',
  };
}

/** Changes one message. */
export function only(name: string, change: (text: string) => string | undefined): Doctored['doctor'] {
  return (step, text) => (step === name ? change(text) : text);
}

/** A message of the network besides those of the good call. */
export function besides(at: number, method: string, cseq: number): Step {
  return [
    `besides ${method}`,
    CRASH_AT + at,
    'network',
    request(method, 'network', cseq, ['Contact: <sip:10.0.0.102:5060>']),
  ];
}

/** Another request, not a repetition: its topmost Via is new. */
export function onAnotherBranch([name, at, by, text]: Step): Step {
  return [name, at, by, text.replace('z9hG4bKe', 'z9hG4bKother')];
}

/** What SIPp would have written of it. */
export function tracedText(messages: readonly TracedMessage[]): string {
  return messages
    .map(({ at, by, raw }) => {
      const way = by === 'phone' ? 'sent' : 'received';
      const bytes = Buffer.byteLength(raw);
      return `----------------------------------------------- ${new Date(at).toISOString().replace('Z', '000Z')}\nUDP message ${way} [${bytes}] bytes${by === 'phone' ? '' : ' '}:\n\n${raw}\n`;
    })
    .join('');
}

export { readTrace };
