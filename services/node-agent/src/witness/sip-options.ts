import { randomBytes, randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { parseSip } from '@reinvite/sip';

export interface SipAddress {
  readonly host: string;
  readonly port: number;
}

export interface SipOptionsEvents {
  /** Asterisk has answered one of our requests, with whatever status. */
  readonly onAnswer: () => void;
  /** Nobody takes SIP over UDP there (ICMP says so), or the machine does not let us ask. */
  readonly onAbsent: () => void;
}

/**
 * Sends OPTIONS (RFC 3261 section 11) from a socket of its own, and hears the answers. Nothing is sent again: the next question
 * comes soon enough.
 */
export class SipOptions {
  private readonly socket: Socket;
  private readonly callIds = `reinvite-${randomUUID()}`;
  private standing: 'apart' | 'connecting' | 'connected' = 'apart';
  private cseq = 0;

  constructor(
    private readonly address: SipAddress,
    private readonly events: SipOptionsEvents,
  ) {
    this.socket = createSocket(isIPv6(address.host) ? 'udp6' : 'udp4');
    this.socket.on('message', (payload) => this.onMessage(payload));
    this.socket.on('error', () => {
      if (this.standing === 'connecting') this.standing = 'apart';
      events.onAbsent();
    });
    this.socket.on('connect', () => (this.standing = 'connected'));
    this.connect();
    this.socket.unref();
  }

  ask(): void {
    if (this.standing !== 'connected') {
      // The address may not have been there yet, as at the start of the host.
      if (this.standing === 'apart') this.connect();
      this.events.onAbsent();
      return;
    }
    this.socket.send(this.request(), (error) => {
      if (error !== null) this.events.onAbsent();
    });
  }

  close(): void {
    this.socket.close();
  }

  /** Connected, so that ICMP reaches us and other hosts' packets do not. */
  private connect(): void {
    this.standing = 'connecting';
    this.socket.connect(this.address.port, this.address.host);
  }

  private request(): string {
    const { host, port } = this.address;
    const local = this.socket.address();
    const us = `${inUri(local.address)}:${local.port}`;
    this.cseq += 1;
    return [
      `OPTIONS sip:${inUri(host)}:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP ${us};rport;branch=z9hG4bK${randomBytes(8).toString('hex')}`,
      'Max-Forwards: 1',
      `From: <sip:reinvite-agent@${us}>;tag=${randomBytes(6).toString('hex')}`,
      `To: <sip:${inUri(host)}:${port}>`,
      `Call-ID: ${this.callIds}-${this.cseq}`,
      `CSeq: ${this.cseq} OPTIONS`,
      `Contact: <sip:reinvite-agent@${us}>`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
  }

  private onMessage(payload: Buffer): void {
    try {
      const message = parseSip(payload);
      if (message.kind === 'response' && message.callId.startsWith(this.callIds)) this.events.onAnswer();
    } catch {
      // What cannot be read is no answer of ours.
    }
  }
}

function inUri(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
