import type { SipMessage } from '../message/message.js';

const SDP = 'application/sdp';
/** Parts beyond these are of no use to a dialog, and not looked at. */
const MAX_PARTS = 8;

/**
 * The session description that a message carries, alone or as a part of a `multipart` body (RFC 5621, as SIP-I and
 * location by PIDF have it); null where it carries none.
 */
export function sdpOf({ body, headers }: Pick<SipMessage, 'body' | 'headers'>): string | null {
  if (body === '') return null;
  // A body without a Content-Type is none that anybody could use (RFC 3261 section 20.15), save that some forget it.
  const contentType = headers.get('content-type')?.[0] ?? (body.startsWith('v=0') ? SDP : '');
  const type = mediaTypeOf(contentType);
  if (type === SDP) return body;
  if (!type.startsWith('multipart/')) return null;
  const boundary = boundaryOf(contentType);
  return boundary === null ? null : sdpPart(body, boundary);
}

function mediaTypeOf(value: string): string {
  const end = value.indexOf(';');
  return (end === -1 ? value : value.slice(0, end)).replace(/\s/g, '').toLowerCase();
}

function boundaryOf(contentType: string): string | null {
  const [, quoted, plain] =
    /;\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType) ?? [];
  return quoted ?? plain ?? null;
}

function sdpPart(body: string, boundary: string): string | null {
  const parts = body.split(`--${boundary}`, MAX_PARTS + 1).slice(1);
  for (const part of parts) {
    const end = /\r?\n\r?\n/.exec(part);
    if (end === null) continue;
    const contentType = /^content-type[ \t]*:[ \t]*([^\r\n]*)/im.exec(part.slice(0, end.index))?.[1];
    if (contentType !== undefined && mediaTypeOf(contentType) === SDP)
      return part.slice(end.index + end[0].length).replace(/\r?\n$/, '');
  }
  return null;
}
