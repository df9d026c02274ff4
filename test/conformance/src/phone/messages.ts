import type { Case } from '../cases/case.js';
import { sdpOf, type Direction, type Media } from './media.js';
import { namesOf } from './names.js';

/** Where one phone stands. Hosts of IPv6 are bare, without brackets. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly rtpPort: number;
  /** First hop of the phone. */
  readonly hop: { readonly host: string; readonly port: number };
  /** User that the phone dials. */
  readonly dialled: string;
  /** Header lines that choose node and endpoint in the lab, and a Route where the phone has an outbound proxy. */
  readonly lines: readonly string[];
}

const NAT_HOST = '192.168.254.7';
export const USER = 'lab';
export const PASSWORD = 'lab-secret';
export const REALM = 'phones';

/** The SIP that one phone sends, as SIPp templates. */
export class Messages {
  readonly tag: string;
  private readonly self: string;
  private sdpVersion = 0;
  private moved = false;

  constructor(
    private readonly test: Case,
    private readonly place: Place,
  ) {
    this.tag = namesOf(test.factors.names, test.id).tag;
    this.self = `${this.host}:${place.port}`;
  }

  /** In brackets SIPp reads a keyword, so an address that wants them must be one. */
  private get host(): string {
    return this.place.host.includes(':') ? '[local_ip]' : this.place.host;
  }

  private get hop(): string {
    return this.place.hop.host.includes(':') ? '[remote_ip]' : this.place.hop.host;
  }

  /** From here on the phone's Contact is another. */
  move(): void {
    this.moved = true;
  }

  /** Value of From of a phone that calls, of To of one that is called, without its tag. */
  private get address(): string {
    return namesOf(this.test.factors.names, this.test.id).phone.replace('HOST', this.host);
  }

  private get parties(): string {
    if (this.test.factors.phone === 'callee') return `From: [$called];tag=${this.tag}\nTo: [$calling]`;
    return `From: ${this.address};tag=${this.tag}\nTo: <${this.target}>[peer_tag_param]`;
  }

  private get target(): string {
    const { dialled, hop } = this.place;
    return `sip:${dialled}@${this.hop}:${hop.port}${this.transportParam}`;
  }

  private get transportParam(): string {
    const { transport } = this.test.factors;
    return transport === 'udp' ? '' : `;transport=${transport}`;
  }

  private get contact(): string {
    const user = this.moved ? `${this.test.id}-moved` : this.test.id;
    const host = this.test.extras.behindNat === true ? `${NAT_HOST}:5060` : this.self;
    return `Contact: <sip:${user}@${host}${this.transportParam}>`;
  }

  private get via(): string {
    return `Via: SIP/2.0/${this.test.factors.transport.toUpperCase()} ${this.self};rport;branch=[branch]`;
  }

  /** Session-Expires of a request of the phone (RFC 4028 section 7.1), or of its answer to one of ours (section 9). */
  private timer(ofAnswer: boolean): string[] {
    const { timer } = this.test.factors;
    if (timer === 'none') return [];
    const seconds = this.test.extras.sessionExpires ?? 1_800;
    const refresher = (timer === 'phone') === ofAnswer ? 'uas' : 'uac';
    const lines = [`Session-Expires: ${seconds};refresher=${refresher}`];
    return ofAnswer ? [...lines, 'Require: timer'] : [...lines, 'Supported: timer'];
  }

  private media(): Media {
    const { srtp, opus = false, video = false } = this.test.extras;
    const { host, rtpPort: port } = this.place;
    return {
      host,
      port,
      opus,
      video,
      family: this.test.factors.family,
      ...(srtp === undefined ? {} : { srtp }),
    };
  }

  private sdp(direction: Direction, role: 'offer' | 'answer'): string {
    this.sdpVersion += 1;
    return sdpOf(this.media(), direction, this.sdpVersion, role);
  }

  /** The INVITE that begins a call; `authorized` with the answer to a digest challenge. */
  initialInvite(direction: Direction, authorized: boolean): string {
    const lines = [
      `INVITE ${this.target} SIP/2.0`,
      this.via,
      'Max-Forwards: 70',
      `From: ${this.address};tag=${this.tag}`,
      `To: <${this.target}>`,
      'Call-ID: [call_id]',
      'CSeq: [cseq] INVITE',
      this.contact,
      ...this.place.lines,
      'Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, PRACK',
      ...this.timer(false),
      ...(this.test.factors.setup === 'prack' ? ['Require: 100rel'] : []),
      ...(authorized ? [`[authentication username=${USER} password=${PASSWORD}]`] : []),
    ];
    return withSdp(lines, this.sdp(direction, 'offer'));
  }

  /** A request inside the dialog (RFC 3261 section 12.2.1.1). */
  request(
    method: 'ACK' | 'BYE' | 'UPDATE' | 'INFO' | 'PRACK' | 'INVITE',
    extra: {
      readonly direction?: Direction;
      readonly lines?: readonly string[];
      readonly dtmf?: boolean;
      /** CSeq where it is not that of the last request, or the next. */
      readonly cseq?: number;
    } = {},
  ): string {
    const refreshes = method === 'INVITE' || method === 'UPDATE';
    const lines = [
      `${method} [$target] SIP/2.0`,
      this.via,
      '[routes]',
      'Max-Forwards: 70',
      this.parties,
      'Call-ID: [call_id]',
      `CSeq: ${extra.cseq ?? '[cseq]'} ${method}`,
      ...(refreshes ? [this.contact, ...this.timer(false)] : []),
      ...(extra.lines ?? []),
    ];
    if (extra.dtmf === true) return withBody(lines, 'application/dtmf-relay', 'Signal=5\nDuration=160\n');
    return extra.direction === undefined
      ? withoutBody(lines)
      : withSdp(lines, this.sdp(extra.direction, 'offer'));
  }

  /** The answer to an UPDATE that refreshes the session (RFC 4028 section 9). */
  refreshed(): string {
    return this.response('200 OK', { contact: true, lines: this.timer(true) });
  }

  /** ACK of an INVITE that was refused: of the same transaction, so with its Via (RFC 3261 section 17.1.1.3). */
  ackOfRefusal(): string {
    return withoutBody([
      `ACK ${this.target} SIP/2.0`,
      '[last_Via:]',
      'Max-Forwards: 70',
      '[last_From:]',
      '[last_To:]',
      '[last_Call-ID:]',
      'CSeq: [cseq] ACK',
    ]);
  }

  /** An answer to what was received last, or to the request whose headers are in `$head`. */
  response(
    status: string,
    extra: {
      readonly toTag?: string;
      readonly direction?: Direction;
      readonly role?: 'offer' | 'answer';
      readonly lines?: readonly string[];
      readonly contact?: boolean;
      readonly recordRoute?: boolean;
      readonly toRequestIn?: string;
    } = {},
  ): string {
    const tag = extra.toTag === undefined ? '' : `;tag=${extra.toTag}`;
    const head =
      extra.toRequestIn === undefined
        ? [
            '[last_Via:]',
            ...(extra.recordRoute === true ? ['[last_Record-Route:]'] : []),
            '[last_From:]',
            `[last_To:]${tag}`,
            '[last_Call-ID:]',
            '[last_CSeq:]',
          ]
        : [
            // It ends with `From:`.
            `[$${extra.toRequestIn}] [$calling]`,
            `To: [$called]${tag}`,
            '[last_Call-ID:]',
            'CSeq: [$cseq]',
          ];
    const lines = [
      `SIP/2.0 ${status}`,
      ...head,
      ...(extra.contact === true || extra.direction !== undefined ? [this.contact] : []),
      ...(extra.lines ?? []),
      ...(extra.direction === undefined
        ? []
        : [...this.timer(true), 'Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, PRACK']),
    ];
    if (extra.direction === undefined) return withoutBody(lines);
    return withSdp(lines, this.sdp(extra.direction, extra.role ?? 'answer'));
  }
}

export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function withoutBody(lines: readonly string[]): string {
  return `${lines.join('\n')}\nContent-Length: 0\n\n`;
}

function withSdp(lines: readonly string[], sdp: string): string {
  return withBody(lines, 'application/sdp', sdp);
}

function withBody(lines: readonly string[], type: string, body: string): string {
  return `${lines.join('\n')}\nContent-Type: ${type}\nContent-Length: [len]\n\n${body}`;
}
