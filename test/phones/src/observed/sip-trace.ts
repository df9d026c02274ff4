import { parseSip, type SipMessage, type SipRequest, type SipResponse } from '@reinvite/sip';
import { isCoded } from '@reinvite/runtime';
import type { Datagram } from '../capture/pcap.js';
import { isCommand } from '../person.js';
import type { ObservedRequest, PhoneCall, Side } from './phone-call.js';

/** How Asterisk names itself in the lab (`user_agent` of its pjsip.conf). */
const NODE_AGENT = /^Asterisk-(\S+)$/;

/** Folds the SIP at the phones' interface into what each phone saw of each call. */
export class SipTrace {
  /** By Call-ID: every phone has its own, since Asterisk is a back-to-back user agent. */
  readonly calls = new Map<string, PhoneCall>();
  /** What looked like SIP and could not be read: `address:port reason`. */
  readonly unreadable: string[] = [];

  /** @param phonesAddress tells what the phones sent from what they received. */
  constructor(private readonly phonesAddress: string) {}

  /** Takes one datagram; keep-alives, what is no SIP, and what a test has told a phone are left out. */
  add(datagram: Datagram): void {
    if (datagram.payload.length < 16) return;
    const message = this.parse(datagram);
    if (message === undefined) return;
    if (message.kind === 'request' && isCommand(message.method)) return;
    const by: Side = datagram.sourceAddress === this.phonesAddress ? 'phone' : 'network';
    const phonePort = by === 'phone' ? datagram.sourcePort : datagram.targetPort;
    if (message.kind === 'request') this.request(message, by, datagram.at, phonePort);
    else this.response(message, by, datagram.at);
  }

  private parse(datagram: Datagram): SipMessage | undefined {
    try {
      return parseSip(datagram.payload);
    } catch (error) {
      if (!isCoded(error)) throw error;
      this.unreadable.push(`${datagram.sourceAddress}:${datagram.sourcePort} ${error.message}`);
      return undefined;
    }
  }

  private request(message: SipRequest, by: Side, at: number, phonePort: number): void {
    const known = this.calls.get(message.callId);
    if (message.method === 'ACK') {
      if (known !== undefined) acknowledge(known, message, by, at);
      return;
    }
    if (known === undefined) {
      if (message.method !== 'INVITE' || message.toTag !== '') return;
      this.calls.set(message.callId, newCall(message, by, at, phonePort));
      return;
    }
    // A retransmission has the branch of what it repeats; with another one it is another request (RFC 3261 section 17.2.3).
    const same = alike(known, message.method, message.cseq.number, by).find(isOf(message));
    if (same !== undefined) {
      same.times += 1;
      return;
    }
    if (by === 'phone') learnRtpPort(known, message.body);
    known.requests.push(observe(message, by, at));
  }

  private response(message: SipResponse, by: Side, at: number): void {
    const call = this.calls.get(message.callId);
    if (call === undefined || message.status < 200) return;
    const asker = by === 'phone' ? 'network' : 'phone';
    const candidates = alike(call, message.cseq.method, message.cseq.number, asker);
    const asked = candidates.find(isOf(message)) ?? candidates[0];
    if (asked === undefined) return;
    if (by === 'phone') learnRtpPort(call, message.body);
    if (asked.answer !== null) return;
    asked.answer = { status: message.status, at };
    if (asked.node === '') asked.node = by === 'network' ? nodeName(message, 'server') : '';
    if (asked === call.invite && message.status < 300) {
      call.localTag = call.role === 'caller' ? message.fromTag : message.toTag;
      call.remoteTag = call.role === 'caller' ? message.toTag : message.fromTag;
    }
  }
}

function newCall(message: SipRequest, by: Side, at: number, phonePort: number): PhoneCall {
  const call: PhoneCall = {
    callId: message.callId,
    role: by === 'phone' ? 'caller' : 'callee',
    number: userOf(message.from.uri),
    dialled: userOf(message.requestUri),
    sipPort: phonePort,
    invite: observe(message, by, at),
    requests: [],
    localTag: '',
    remoteTag: '',
    rtpPorts: new Set(),
  };
  if (by === 'phone') learnRtpPort(call, message.body);
  return call;
}

function observe(message: SipRequest, by: Side, at: number): ObservedRequest {
  return {
    method: message.method,
    by,
    cseq: message.cseq.number,
    branch: branchOf(message),
    fromTag: message.fromTag,
    toTag: message.toTag,
    requestUri: message.requestUri,
    at,
    times: 1,
    node: by === 'network' ? nodeName(message, 'user-agent') : '',
    answer: null,
    ackedAt: null,
  };
}

/** The ACK of a refusal has the branch of its INVITE, that of a 200 one of its own (RFC 3261 sections 17.1.1.3 and 13.2.2.4). */
function acknowledge(call: PhoneCall, ack: SipRequest, by: Side, at: number): void {
  const candidates = alike(call, 'INVITE', ack.cseq.number, by);
  const invite =
    candidates.find(isOf(ack)) ??
    candidates.find(({ answer, ackedAt }) => answer !== null && ackedAt === null) ??
    candidates[0];
  if (invite !== undefined) invite.ackedAt ??= at;
}

/** Requests of one side with the same method and CSeq: one, unless somebody sent a second with the CSeq of the first. */
function alike(call: PhoneCall, method: string, cseq: number, by: Side): ObservedRequest[] {
  return [call.invite, ...call.requests].filter(
    (one) => one.method === method && one.cseq === cseq && one.by === by,
  );
}

function isOf(message: SipMessage): (request: ObservedRequest) => boolean {
  const branch = branchOf(message);
  return (request) => request.branch === branch;
}

/** Of the topmost Via; empty where it has none. */
function branchOf({ vias }: SipMessage): string {
  return vias[0]?.params.get('branch') ?? '';
}

function learnRtpPort(call: PhoneCall, sdp: string): void {
  const port = /^m=audio (\d+) /m.exec(sdp)?.[1];
  if (port !== undefined) call.rtpPorts.add(Number(port));
}

function nodeName(message: SipMessage, header: 'server' | 'user-agent'): string {
  return NODE_AGENT.exec(message.headers.get(header)?.[0] ?? '')?.[1] ?? '';
}

function userOf(uri: string): string {
  return /^sips?:([^@;]+)@/i.exec(uri)?.[1] ?? '';
}
