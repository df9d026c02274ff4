import { parseSip, type SipMessage, type SipRequest, type SipResponse } from '@reinvite/sip';
import { isCoded } from '@reinvite/runtime';
import type { Datagram } from '../capture/pcap.js';
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

  /** Takes one datagram; keep-alives and what is no SIP are left out. */
  add(datagram: Datagram): void {
    if (datagram.payload.length < 16) return;
    const message = this.parse(datagram);
    if (message === undefined) return;
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
    const same = find(known, message.method, message.cseq.number, by);
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
    const asked = find(call, message.cseq.method, message.cseq.number, by === 'phone' ? 'network' : 'phone');
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

function acknowledge(call: PhoneCall, ack: SipRequest, by: Side, at: number): void {
  const invite = find(call, 'INVITE', ack.cseq.number, by);
  if (invite !== undefined) invite.ackedAt ??= at;
}

function find(call: PhoneCall, method: string, cseq: number, by: Side): ObservedRequest | undefined {
  return [call.invite, ...call.requests].find((r) => r.method === method && r.cseq === cseq && r.by === by);
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
