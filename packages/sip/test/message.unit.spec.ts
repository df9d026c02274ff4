import { isCoded } from '@reinvite/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNameAddress } from '../src/message/name-address.js';
import { parseSip } from '../src/message/parse.js';
import { sipText } from './messages.js';

const parse = (text: string) => parseSip(Buffer.from(text));
const plain = { from: '<sip:a@x>;tag=1', to: '<sip:b@x>', cseq: '1 INVITE' };
const invite = sipText(plain);

const codeOf = (text: string | Buffer): string => {
  try {
    parseSip(Buffer.from(text));
    return 'parsed';
  } catch (error) {
    return isCoded(error) ? error.code : 'not coded';
  }
};

describe('parsing SIP', () => {
  it('reads a request', () => {
    const message = parse(
      sipText({ ...plain, contact: '<sip:a@192.0.2.1:5070;alias=1.2.3.4~5~1>;expires=3' }),
    );
    expect(message).toMatchObject({
      kind: 'request',
      method: 'INVITE',
      requestUri: 'sip:app@10.77.0.11',
      callId: 'call-1@10.77.0.9',
      fromTag: '1',
      toTag: '',
      cseq: { number: 1, method: 'INVITE' },
    });
    expect(message.vias[0]).toMatchObject({ transport: 'udp', sentBy: '10.77.0.5' });
    expect(message.contacts[0]?.uri).toBe('sip:a@192.0.2.1:5070;alias=1.2.3.4~5~1');
  });

  it('reads a response, also one without a reason', () => {
    expect(parse(sipText({ ...plain, status: 486 }))).toMatchObject({
      kind: 'response',
      status: 486,
      reason: 'Whatever',
    });
    expect(parse(sipText({ ...plain, status: 486 }).replace('486 Whatever', '486'))).toMatchObject({
      status: 486,
      reason: '',
    });
  });

  it('reads compact names, folded lines, odd case and white space', () => {
    const message = parse(
      [
        'INVITE sip:b@x SIP/2.0',
        'v : SIP / 2.0 / tls [2001:db8::1]:5061 ;branch=z9hG4bK1',
        'f: "A,',
        '  B" <sip:a@x>',
        '\t;tag=1',
        'T:sip:b@x;tag=2',
        'i: id',
        'CSEQ: 4711\tINVITE',
        'm: *',
        'x: 1800 ; Refresher = UAS',
        'l: 4',
        '',
        'body',
      ].join('\r\n'),
    );
    expect(message).toMatchObject({
      callId: 'id',
      fromTag: '1',
      toTag: '2',
      contacts: [],
      sessionExpires: { seconds: 1800, refresher: 'uas' },
      body: 'body',
    });
    expect(message.from.displayName).toBe('A, B');
    expect(message.to.uri).toBe('sip:b@x');
    expect(message.vias[0]).toMatchObject({ transport: 'tls', sentBy: '[2001:db8::1]:5061' });
  });

  it('splits several values in a line, but not at commas in quotes or in angle brackets', () => {
    const recordRoute = ['"a, \\", b" <sip:p1;lr>, <sip:u,v@p2;lr>;x=", "', '<sip:p3;lr>'];
    expect(parse(sipText({ ...plain, recordRoute })).recordRoutes).toEqual([
      '"a, \\", b" <sip:p1;lr>',
      '<sip:u,v@p2;lr>;x=", "',
      '<sip:p3;lr>',
    ]);
  });

  it('keeps display names with quotes, escapes and UTF-8', () => {
    expect(parseNameAddress('"Ünï \\"x\\" \\\\" <sip:a@x>').displayName).toBe('Ünï "x" \\');
    expect(parseNameAddress('Two words <sip:a@x>').displayName).toBe('Two words');
    expect(parseNameAddress('sip:a@x;p=1')).toEqual({
      displayName: '',
      uri: 'sip:a@x',
      params: new Map([['p', '1']]),
    });
  });

  it('takes tags and Call-IDs with every character that the grammar allows', () => {
    const word = 'a-Z.09!%*_+`\'~()<>:\\"/[]?{}';
    const message = parse(
      sipText({ ...plain, from: "<sip:a@x>;tag=-.!%*_+`'~0", callId: `${word}@${word}` }),
    );
    expect(message.fromTag).toBe("-.!%*_+`'~0");
    expect(message.callId).toBe(`${word}@${word}`);
  });

  it.each([
    ['nothing at all', ''],
    ['a keep-alive', '\r\n\r\n'],
    ['no Via', invite.replace(/Via:.*\r\n/, '')],
    ['no From', invite.replace(/From:.*\r\n/, '')],
    ['two To headers', invite.replace(/To:.*\r\n/, '$&$&')],
    ['two Call-IDs, one compact', invite.replace(/Call-ID:.*\r\n/, '$&i: other\r\n')],
    ['two tags', invite.replace(';tag=1', ';tag=1;tag=2')],
    ['a tag that is no token', invite.replace(';tag=1', ';tag=1"')],
    ['a CSeq beyond 32 bits', invite.replace('1 INVITE', '4294967296 INVITE')],
    ['a CSeq of another method', invite.replace('CSeq: 1 INVITE', 'CSeq: 1 BYE')],
    ['a negative CSeq', invite.replace('1 INVITE', '-1 INVITE')],
    ['another version', invite.replace('SIP/2.0\r', 'SIP/3.0\r')],
    ['a status beyond the classes', sipText({ ...plain, status: 777 })],
    ['a Request-URI that is none', invite.replace('sip:app@10.77.0.11', 'app')],
    ['a torn Contact', sipText({ ...plain, contact: '<sip:a@x' })],
    ['a torn Record-Route', sipText({ ...plain, recordRoute: ['<sip:p;lr>, oops'] })],
    ['an unclosed quote', sipText({ ...plain, from: '"A <sip:a@x>;tag=1' })],
    ['a NUL', invite.replace('sip:a@x', 'sip:a\u0000@x')],
    ['a bare carriage return', invite.replace('tag=1', 'tag=1\rX: y')],
    ['a Call-ID of a kilobyte', sipText({ ...plain, callId: 'x'.repeat(1_024) })],
    ['a tag of a kilobyte', sipText({ ...plain, from: `<sip:a@x>;tag=${'x'.repeat(1_024)}` })],
    [
      'a display name of two kilobytes',
      sipText({ ...plain, from: `"${'x'.repeat(2_048)}" <sip:a@x>;tag=1` }),
    ],
    [
      'a route of ten kilobytes',
      sipText({ ...plain, recordRoute: Array(100).fill(`<sip:p;x=${'y'.repeat(100)}>`) }),
    ],
    ['a thousand headers', invite.replace('\r\n\r\n', `${'\r\nX: y'.repeat(1_000)}\r\n\r\n`)],
    ['a line that is no header', invite.replace('Content-Length', '(Content-Length')],
  ])('refuses %s', (_what, text) => {
    expect(codeOf(text)).toBe('SIP_MALFORMED');
  });

  it('answers every mutation with a message or a coded error', () => {
    const samples = [
      invite,
      sipText({
        ...plain,
        status: 200,
        contact: '"q, \\"" <sip:a@x;lr>;expires=1',
        recordRoute: ['<sip:p1;lr>, <sip:p2>'],
      }),
    ];
    const bytes = fc.array(
      fc.tuple(
        fc.nat(1_000),
        fc.constantFrom('', '"', '<', '>', '\\', ',', ';', '\r\n', '\0', ' ', '=', 'é', '\u{1F4DE}', '\t'),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(fc.constantFrom(...samples), bytes, (sample, edits) => {
        let text = sample;
        for (const [index, piece] of edits) text = text.slice(0, index) + piece + text.slice(index + 1);
        expect(['parsed', 'SIP_MALFORMED']).toContain(codeOf(text));
      }),
      { numRuns: 5_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        expect(codeOf(Buffer.from(garbage))).toBe('SIP_MALFORMED');
      }),
    );
  });

  it('takes no longer than its length warrants for what is made to be slow', () => {
    const slow = [
      `"${'\\'.repeat(60_000)}`,
      `${'<'.repeat(60_000)}`,
      `${'a '.repeat(30_000)}`,
      `${';'.repeat(60_000)}`,
      `${'"",'.repeat(20_000)}`,
    ];
    for (const value of slow) {
      const started = performance.now();
      codeOf(sipText({ ...plain, from: value, contact: value, recordRoute: [value] }));
      expect(performance.now() - started).toBeLessThan(2_000);
    }
  });
});
