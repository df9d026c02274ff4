import { codedError } from '@reinvite/runtime';
import type { Dialog, Party } from '../dialog/dialog.js';
import { parseNameAddress } from '../message/name-address.js';
import { sessionVariables } from './session-variables.js';

/**
 * How far above the highest CSeq that was seen the re-INVITE goes. A request that left in the last moment, or whose capture
 * was lost, has used numbers that we do not know, and a CSeq that is too low is answered 500; a gap does no harm
 * (RFC 3261 section 12.2.2).
 */
const CSEQ_MARGIN = 10;
/** The module takes no more, so that the dialog can go on counting (RFC 3261 section 8.1.1.5: below 2**31). */
const CSEQ_LIMIT = 2 ** 31 - 1;

/** No phone shows more. */
const DISPLAY_NAME_BYTES = 500;
/** What the module takes (`RECOVERY_ROUTES_MAX`, `RECOVERY_ROUTES_TEXT_MAX`). */
const MAX_ROUTES = 16;
const MAX_ROUTES_BYTES = 8_192;

/**
 * Channel variables with which `res_pjsip_recovery` makes an INVITE the re-INVITE of this dialog. "From" is our side.
 *
 * - `_FROM_*`, `_TO_*`: party and tag; a display name as it stands between its quotes, escapes kept.
 * - `_CSEQ`: the number that the re-INVITE carries.
 * - `_ROUTES`: `<uri>;params` entries joined by commas, in the order in which they are sent; empty for no route set.
 * - `_REQUEST_URI`: the remote target.
 * - `_ROLE`: `uac` where our side sent the INVITE that created the dialog, whose Call-ID it then chose (RFC 3261 section
 *   14.1); the module does not need it.
 * - Offer, session timer and transport: {@link sessionVariables}.
 *
 * There is no `_RECORD-ROUTES`: Record-Route in a re-INVITE of ours makes loops.
 * @throws CodedError `DIALOG_INCOMPLETE`, its details naming the `field` that is missing or cannot be used.
 */
export function recoveryVariables(dialog: Dialog): Record<string, string> {
  return {
    'PJSIP_RECOVERY_CALL-ID': present(dialog, 'callId', dialog.callId),
    PJSIP_RECOVERY_FROM_DISPLAY: quotedText(dialog.local),
    PJSIP_RECOVERY_FROM_URI: present(dialog, 'local.uri', dialog.local.uri),
    PJSIP_RECOVERY_FROM_TAG: present(dialog, 'localTag', dialog.localTag),
    PJSIP_RECOVERY_TO_DISPLAY: quotedText(dialog.remote),
    PJSIP_RECOVERY_TO_URI: present(dialog, 'remote.uri', dialog.remote.uri),
    PJSIP_RECOVERY_TO_TAG: present(dialog, 'remoteTag', dialog.remoteTag),
    PJSIP_RECOVERY_CSEQ: String(nextCSeq(dialog)),
    PJSIP_RECOVERY_ROUTES: routes(dialog),
    PJSIP_RECOVERY_REQUEST_URI: present(dialog, 'remoteTarget', dialog.remoteTarget),
    PJSIP_RECOVERY_ROLE: dialog.role,
    ...sessionVariables(dialog),
  };
}

function present(dialog: Dialog, field: string, value: string | null): string {
  if (value === null || value === '') throw incomplete(dialog, field);
  return value;
}

function nextCSeq(dialog: Dialog): number {
  const next = dialog.localCSeq + CSEQ_MARGIN;
  if (next >= CSEQ_LIMIT) throw incomplete(dialog, 'localCSeq');
  return next;
}

/**
 * pjsip writes a display name between quotes and escapes nothing. A TAB, as a name may have it, the module takes for a way to
 * write headers; and with every character escaped its value may take 2,048 bytes.
 */
function quotedText({ displayName }: Party): string {
  const plain = displayName.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return shortened(plain, DISPLAY_NAME_BYTES).replace(/["\\]/g, '\\$&');
}

/** Whole characters only. */
function shortened(text: string, bytes: number): string {
  let length = 0;
  let kept = '';
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    kept += character;
  }
  return kept;
}

function routes(dialog: Dialog): string {
  const { routeSet } = dialog;
  const value = routeSet.map(withoutDisplayName).join(',');
  if (routeSet.length > MAX_ROUTES || Buffer.byteLength(value) > MAX_ROUTES_BYTES)
    throw incomplete(dialog, 'routeSet');
  return value;
}

function withoutDisplayName(route: string): string {
  const { uri, params } = parseNameAddress(route);
  const written = [...params].map(([name, value]) => (value === '' ? `;${name}` : `;${name}=${value}`));
  return `<${uri}>${written.join('')}`;
}

function incomplete(dialog: Dialog, field: string): Error {
  const { callId } = dialog;
  return codedError('DIALOG_INCOMPLETE', `the dialog has no usable ${field}`, { callId, field });
}
