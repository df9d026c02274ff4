import { codedError } from '@reinvite/runtime';
import type { NameAddress, Via } from './message.js';
import { splitOutside } from './split.js';

const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+$/;
/** What follows a display name: `<uri>` and parameters. */
const ANGLED = /^<([^<>]*)>[ \t]*(?:;(.*))?$/s;
const QUOTED = /^"((?:[^"\\]|\\.)*)"[ \t]*/s;
/** pjsip takes no URI beyond 256 bytes in its usual build; this leaves room for others and bounds what is stored. */
const MAX_URI = 2_048;
/** A name to be shown; what is longer is there for another purpose. */
const MAX_DISPLAY_NAME = 1_024;

/**
 * Reads one From, To, Contact or (Record-)Route value (RFC 3261 section 20.10). In an `addr-spec` without `<` and `>`
 * what follows a `;` belongs to the header, not to the URI.
 * @throws CodedError `SIP_MALFORMED`
 */
export function parseNameAddress(value: string): NameAddress {
  const quoted = QUOTED.exec(value);
  const rest = quoted === null ? value : value.slice(quoted[0].length);
  const open = rest.indexOf('<');
  if (open === -1) {
    if (quoted !== null) throw malformed('a display name without an address');
    const [uri = '', ...params] = splitOutside(value, ';');
    return { displayName: '', uri: checkedUri(uri), params: parseParams(params) };
  }
  const unquotedName = rest.slice(0, open).trim();
  if (unquotedName.includes('"') || (quoted !== null && unquotedName !== ''))
    throw malformed('a torn display name');
  const [, uri, params] = ANGLED.exec(rest.slice(open)) ?? [];
  if (uri === undefined) throw malformed('an address that cannot be read');
  const displayName = quoted === null ? unquotedName : (quoted[1] ?? '').replace(/\\(.)/gs, '$1');
  if (displayName.length > MAX_DISPLAY_NAME) throw malformed('a display name that is too long');
  return {
    displayName,
    uri: checkedUri(uri.trim()),
    params: parseParams(params === undefined ? [] : splitOutside(params, ';')),
  };
}

/**
 * Reads one Via value (RFC 3261 section 20.42).
 * @throws CodedError `SIP_MALFORMED`
 */
export function parseVia(value: string): Via {
  const [first = '', ...params] = splitOutside(value, ';');
  const [, transport, sentBy] = /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9-]+)\s+(\S.*)$/i.exec(first) ?? [];
  if (transport === undefined || sentBy === undefined) throw malformed('a Via that cannot be read');
  return { transport: transport.toLowerCase(), sentBy, params: parseParams(params) };
}

/** Header parameters by lower-case name; of one given twice the first. A second tag is refused: which one counts would be a guess. */
export function parseParams(parts: readonly string[]): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (const part of parts) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = (equals === -1 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (params.has(name)) {
      if (name === 'tag') throw malformed('two tags');
      continue;
    }
    params.set(name, equals === -1 ? '' : part.slice(equals + 1).trim());
  }
  return params;
}

/** @throws CodedError `SIP_MALFORMED` for what is no absolute URI. */
export function checkedUri(uri: string): string {
  if (uri.length > MAX_URI || !ABSOLUTE_URI.test(uri)) throw malformed('a URI that cannot be read');
  return uri;
}

function malformed(why: string): Error {
  return codedError('SIP_MALFORMED', why);
}
