/** The SIP that a phone sends, as SIPp templates; `[…]` is filled in by SIPp, `[$…]` by the scenario's variables. */

/** Session version and direction change when the phone holds (RFC 3264 section 8.4). */
const SDP = `v=0
o=phone [pid]0[call_number] [$version] IN IP4 [media_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=[$direction]`;

const VIA = 'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]';
const CONTACT = 'Contact: <sip:phone@[local_ip]:[local_port]>';

/** From and To of what the phone sends in its dialog, with their tags. */
export interface Dialog {
  readonly from: string;
  readonly to: string;
}

/** The INVITE that begins a call at a node. */
export function initialInvite(dialog: Dialog, dialled: string, node: string): string {
  return withSdp(`INVITE sip:${dialled}@[remote_ip]:[remote_port] SIP/2.0
${VIA}
Max-Forwards: 70
From: ${dialog.from}
To: ${dialog.to}
Call-ID: [call_id]
CSeq: [cseq] INVITE
${CONTACT}
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO
X-Lab-Node: ${node}`);
}

export function bye(dialog: Dialog): string {
  return withoutBody(request('BYE', dialog));
}

export function ack(dialog: Dialog): string {
  return withoutBody(request('ACK', dialog));
}

export function reinvite(dialog: Dialog): string {
  return withSdp(`${request('INVITE', dialog)}
${CONTACT}`);
}

/** A key that is pressed, out of the media: what `[$digit]` says. */
export function info(dialog: Dialog): string {
  return `${request('INFO', dialog)}
Content-Type: application/dtmf-relay
Content-Length: [len]

Signal=[$digit]
Duration=160
`;
}

/** An answer without a body to what was received last. @param tag the phone's, where the request carried none. */
export function answer(status: string, tag = ''): string {
  return withoutBody(response(status, tag));
}

/** The answer to an INVITE. */
export function ok(tag = ''): string {
  return withSdp(`${response('200 OK', tag)}
${CONTACT}`);
}

/** To the remote target, along the route set (RFC 3261 section 12.2.1.1). */
function request(method: string, { from, to }: Dialog): string {
  return `${method} [$target] SIP/2.0
${VIA}
[routes]
Max-Forwards: 70
From: ${from}
To: ${to}
Call-ID: [call_id]
CSeq: [cseq] ${method}`;
}

function response(status: string, tag: string): string {
  return `SIP/2.0 ${status}
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]${tag === '' ? '' : `;tag=${tag}`}
[last_Call-ID:]
[last_CSeq:]`;
}

function withoutBody(head: string): string {
  return `${head}
Content-Length: 0

`;
}

function withSdp(head: string): string {
  return `${head}
Content-Type: application/sdp
Content-Length: [len]

${SDP}
`;
}
