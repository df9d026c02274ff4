/** What differs between the session descriptions of a test: a phone call with PCMU and DTMF unless told otherwise. */
export interface SdpParts {
  readonly id?: string;
  readonly version: number | string;
  readonly direction?: string;
  readonly port?: number;
  readonly formats?: string;
}

export function sdp({ id = '4711', version, direction, port = 4_000, formats = '0 101' }: SdpParts): string {
  const lines = [
    'v=0',
    `o=- ${id} ${version} IN IP4 192.0.2.1`,
    's=-',
    'c=IN IP4 192.0.2.1',
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats}`,
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    ...(direction === undefined ? [] : [`a=${direction}`]),
  ];
  return `${lines.join('\r\n')}\r\n`;
}
