/** The SIP that a phone sends, as SIPp templates; `[…]` is filled in by SIPp. */

const SDP = `v=0
o=phone [pid]0[call_number] 1 IN IP4 [media_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv`;

/** Header lines that are the same in every message of one phone inside its dialog. */
export interface Dialog {
  /** Value of From in a request of the phone, with its tag. */
  readonly from: string;
  /** Value of To in a request of the phone, with the peer's tag. */
  readonly to: string;
  /** `host:port` of the phone's Contact. */
  readonly contact: string;
}

const VIA = 'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]';

/** A request inside the dialog: to the remote target, along the route set (RFC 3261 section 12.2.1.1). */
export function inDialog(method: 'BYE' | 'ACK' | 'INVITE', dialog: Dialog): string {
  const head = `${method} [$target] SIP/2.0
${VIA}
[routes]
Max-Forwards: 70
From: ${dialog.from}
To: ${dialog.to}
Call-ID: [call_id]
CSeq: [cseq] ${method}`;
  if (method !== 'INVITE') return withoutBody(head);
  return withSdp(`${head}
Contact: <sip:phone@${dialog.contact}>`);
}

/** The INVITE that begins a call. Fields of the injection file: see `CallerFields`. */
export function initialInvite(dialog: Dialog): string {
  return withSdp(`INVITE sip:[field0]@[remote_ip]:[remote_port] SIP/2.0
${VIA}
Max-Forwards: 70
From: ${dialog.from}
To: ${dialog.to}
Call-ID: [call_id]
CSeq: [cseq] INVITE
Contact: <sip:phone@${dialog.contact}>
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE
[field2]`);
}

/**
 * An answer to what was received last.
 * @param toTag the phone's tag, where the request carried none.
 * @param recordRoute whether the answer copies Record-Route, as RFC 3261 section 12.1.1 wants for a dialog's first request;
 * of later requests there are phones that do and phones that do not.
 */
export function response(
  status: string,
  options: { toTag?: string; recordRoute?: boolean; contact?: string },
): string {
  const { toTag, recordRoute = false, contact } = options;
  const head = `SIP/2.0 ${status}
[last_Via:]
${recordRoute ? '[last_Record-Route:]\n' : ''}[last_From:]
[last_To:]${toTag === undefined ? '' : `;tag=${toTag}`}
[last_Call-ID:]
[last_CSeq:]`;
  if (contact === undefined) return withoutBody(head);
  return withSdp(`${head}
Contact: <sip:phone@${contact}>`);
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
