import type { Factors } from '../cases/factors.js';

/** What a phone, or Asterisk for its call to one, is called. */
export interface Names {
  /** `name-addr` without its tag, `HOST` standing for the host. */
  readonly phone: string;
  /** Caller id of Asterisk's call to a phone, as ARI takes it. */
  readonly callerId: string;
  readonly tag: string;
  /** SIPp's `-cid_str`. */
  readonly callId: string;
}

/** RFC 3261 section 25.1, `token`, without alphanumerics. */
const TOKEN_MARKS = "-.!%*_+`'~";
/** `word`, without alphanumerics; SIPp wants `%` twice. */
const WORD_MARKS = `-.!%%*_+\`'~()<>:\\"/[]?{}`;
/** `user` of a SIP URI: unreserved, escaped and user-unreserved characters. */
const USER_MARKS = "a-_.!~*'()%40&=+$,;?/";

export function namesOf(kind: Factors['names'], id: string): Names {
  const plain: Names = {
    phone: `"Phone ${id}" <sip:${id}@HOST>`,
    callerId: `"Desk ${id}" <1000>`,
    tag: `t-${id}`,
    callId: `${id}-%u-%p@phones`,
  };
  switch (kind) {
    case 'plain':
      return plain;
    case 'display':
      return {
        ...plain,
        phone: `"Zoë \\"Zo\\" Bäcker, \\\\o/ 電話; <x>" <sip:${id}%20%C3%BC@HOST>`,
        callerId: `"Zoë Bäcker; 電話, o'k" <1000>`,
      };
    case 'grammar':
      return {
        ...plain,
        phone: `<sip:${id}${USER_MARKS}@HOST>`,
        tag: `${TOKEN_MARKS}${id}`,
        callId: `${id}${WORD_MARKS}%u-%p@${WORD_MARKS}`,
      };
  }
}
