import { createSocket } from 'node:dgram';
import type { PhoneCall } from './observed/phone-call.js';

/**
 * What a person does with a SIPp phone while it is in its call. The phone is told by a request of that name in its dialog, which it
 * does not answer: nobody but the tests sends such.
 */
export const COMMANDS = ['HOLD', 'RESUME', 'PRESS', 'HANGUP'] as const;
export type Command = (typeof COMMANDS)[number];

/**
 * After so many ms without a sign of it a phone is told again: SIPp sometimes does not do what comes in the moment in which its
 * call begins. Long enough for a slow machine to show the sign: a phone does what it is told twice.
 */
export const TELL_AGAIN_MS = 3_000;

/** Whether a request is what a test has told a phone, and none of the network. */
export function isCommand(method: string): boolean {
  return (COMMANDS as readonly string[]).includes(method);
}

/** Tells phones what to do. */
export class Person {
  private readonly socket = createSocket('udp4').unref();
  private told = 0;

  /** @param host address of the phones. */
  constructor(private readonly host: string) {}

  /** Resolves when the phone has been told, which says nothing of whether it does it. @param headers lines for the phone. */
  async tell(call: PhoneCall, command: Command, headers: readonly string[] = []): Promise<void> {
    this.told += 1;
    const message = [
      `${command} sip:${this.host}:${call.sipPort} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.host}:9;branch=z9hG4bK-command-${this.told}`,
      `From: <sip:person@${this.host}>;tag=${call.remoteTag}`,
      `To: <sip:phone@${this.host}>;tag=${call.localTag}`,
      `Call-ID: ${call.callId}`,
      `CSeq: ${this.told} ${command}`,
      ...headers,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    await new Promise<void>((resolve, reject) => {
      this.socket.send(message, call.sipPort, this.host, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  close(): void {
    this.socket.close();
  }
}
