import { parseSip, type SipMessage } from '@reinvite/sip';

/** One SIP message as a phone sent or received it. */
export interface TracedMessage {
  /** Epoch ms with a fraction. */
  readonly at: number;
  readonly by: 'phone' | 'network';
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** As it was on the wire. */
  readonly raw: string;
  readonly message: SipMessage;
}

/** SIPp's separator, the moment, transport, way and length of a message. */
const HEAD =
  /^-{20,} (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z)\r?\n(UDP|TCP|TLS) message (sent|received) \[(\d+)\] bytes\s*:\r?\n\r?\n/gm;

/**
 * Reads what SIPp wrote with `-trace_msg`: every message that it sent or received, expected or not. A message that is still
 * being written is left out.
 * @throws CodedError `SIP_MALFORMED` where the phone got or sent what is no SIP.
 */
export function readTrace(text: string): TracedMessage[] {
  return [...text.matchAll(HEAD)].flatMap((head): TracedMessage[] => {
    const [whole, at = '', transport = '', way, length = ''] = head;
    const bytes = Buffer.from(
      text.slice(head.index + whole.length, head.index + whole.length + Number(length)),
    );
    if (bytes.length < Number(length)) return [];
    const raw = bytes.subarray(0, Number(length));
    // A keep-alive (RFC 5626 section 3.5.1) is no message.
    if (raw.toString().trim() === '') return [];
    return [
      {
        at: momentOf(at),
        by: way === 'sent' ? 'phone' : 'network',
        transport: transport.toLowerCase() as TracedMessage['transport'],
        raw: raw.toString(),
        message: parseSip(raw),
      },
    ];
  });
}

/** Epoch ms of `2026-11-21T13:11:29.628284Z`, microseconds kept. */
function momentOf(text: string): number {
  const micros = /\.\d{3}(\d{1,3})/.exec(text)?.[1] ?? '0';
  return Date.parse(text.replace(/(\.\d{3})\d*Z$/, '$1Z')) + Number(micros.padEnd(3, '0')) / 1_000;
}
