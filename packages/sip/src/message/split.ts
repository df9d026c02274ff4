import { codedError } from '@reinvite/runtime';

/** Start line, unfolded headers in order, and body. */
export interface RawMessage {
  readonly startLine: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** RFC 3261 section 7.3.3 and RFC 4028: the compact forms of headers that a dialog is made of, and their kin. */
const COMPACT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    c: 'content-type',
    e: 'content-encoding',
    f: 'from',
    i: 'call-id',
    k: 'supported',
    l: 'content-length',
    m: 'contact',
    r: 'refer-to',
    s: 'subject',
    t: 'to',
    v: 'via',
    x: 'session-expires',
  }),
);

const HEADER = /^([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*:(.*)$/s;
/** NUL would be refused by Postgres, the others have no place in a header (RFC 3261 section 25.1). */
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
/** Far beyond any real message; a hostile one shall not make us hold thousands of strings. */
const MAX_HEADERS = 256;

/**
 * Splits a message into its parts; folded lines become one, compact names the long ones.
 * @throws CodedError `SIP_MALFORMED`
 */
export function splitMessage(text: string): RawMessage {
  // Blank lines before the start line are to be ignored (RFC 3261 section 7.5).
  const trimmed = text.replace(/^(?:\r?\n)+/, '');
  const end = /\r?\n\r?\n/.exec(trimmed);
  const head = end === null ? trimmed : trimmed.slice(0, end.index);
  if (FORBIDDEN.test(head)) throw codedError('SIP_MALFORMED', 'a control character in the header');
  const [startLine = '', ...rest] = unfold(head.split(/\r?\n/));
  if (rest.length > MAX_HEADERS) throw codedError('SIP_MALFORMED', `${rest.length} header lines`);
  const headers = new Map<string, string[]>();
  for (const line of rest) {
    if (line === '') continue;
    const [, name, value] = HEADER.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw codedError('SIP_MALFORMED', 'a line that is no header');
    const lower = name.toLowerCase();
    const key = COMPACT.get(lower) ?? lower;
    const values = headers.get(key);
    if (values === undefined) headers.set(key, [value.trim()]);
    else values.push(value.trim());
  }
  return { startLine, headers, body: end === null ? '' : trimmed.slice(end.index + end[0].length) };
}

function unfold(lines: readonly string[]): string[] {
  const unfolded: string[] = [];
  for (const line of lines) {
    const last = unfolded.length - 1;
    if (last >= 1 && /^[ \t]/.test(line)) unfolded[last] = `${unfolded[last]} ${line.trim()}`;
    else unfolded.push(line);
  }
  return unfolded;
}

/** Splits at a separator that stands neither in a quoted string nor between `<` and `>`. */
export function splitOutside(value: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let quoted = false;
  let angled = false;
  let start = 0;
  for (let index = 0; index < value.length; index += 1) {
    const character = value[index];
    if (quoted) {
      if (character === '\\') index += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '<') angled = true;
    else if (character === '>') angled = false;
    else if (character === separator && !angled) {
      parts.push(value.slice(start, index).trim());
      start = index + 1;
    }
  }
  if (quoted || angled) throw codedError('SIP_MALFORMED', 'a quote or angle bracket that is not closed');
  parts.push(value.slice(start).trim());
  return parts;
}
