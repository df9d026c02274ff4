import { isCoded } from '@reinvite/runtime';
import { parseSip, type SipMessage } from '@reinvite/sip';

/** One SIP message as baresip's own trace shows it: also what went over TLS. */
export interface TracedMessage {
  readonly by: 'phone' | 'network';
  readonly transport: 'UDP' | 'TCP' | 'TLS';
  readonly message: SipMessage;
}

/** What baresip prints with `-s`, its colours included: `TLS 10.77.0.10:5061 -> 10.77.0.30:40000`, and the message. */
// eslint-disable-next-line no-control-regex -- the colours are what a message begins and ends with
const MESSAGE = /\u001b\[36;1m#\n(UDP|TCP|TLS) (\S+) -> \S+\n([\s\S]*?)\u001b\[;m/g;

/**
 * Reads what baresip has printed. What is no SIP, and a message that is not whole yet, is left out.
 * @param address the phone's own: tells what it sent from what it received.
 */
export function readTrace(printed: string, address: string): TracedMessage[] {
  return [...printed.matchAll(MESSAGE)].flatMap(([, transport, from = '', text = '']) => {
    const message = parse(text);
    if (message === undefined) return [];
    const by = from.replace(/:\d+$/, '').replace(/^\[|\]$/g, '') === address ? 'phone' : 'network';
    return [{ by, transport: transport as TracedMessage['transport'], message }];
  });
}

function parse(text: string): SipMessage | undefined {
  try {
    return parseSip(Buffer.from(text));
  } catch (error) {
    if (!isCoded(error)) throw error;
    return undefined;
  }
}
