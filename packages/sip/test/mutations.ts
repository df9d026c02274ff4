/** A source of numbers that gives the same ones for the same seed: a run that failed can be run again. */
export class Dice {
  constructor(private state: number) {}

  /** 0 to `below` - 1 (mulberry32). */
  roll(below: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((((t ^ (t >>> 14)) >>> 0) * below) / 2 ** 32) | 0;
  }

  of<T>(choices: readonly T[]): T {
    const choice = choices[this.roll(choices.length)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }
}

/** What parsers trip over. */
const PIECES: readonly Buffer[] = [
  ...[
    '\0',
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\t',
    ' ',
    '"',
    '\\',
    '\\"',
    '<',
    '>',
    ',',
    ';',
    '=',
    ':',
    '@',
    '%',
    '*',
    '~',
    ';tag=',
    ';tag=x;tag=y',
    '<sip:',
    'sip:a@b',
    '0',
    '-1',
    '4294967295',
    '4294967296',
    '99999999999999999999',
    '1e309',
    'NaN',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '${x}',
    'SIP/2.0',
    'BYE',
    'INVITE',
    ' ACK',
    '481',
    '200',
    'a=sendonly\r\n',
    'a=inactive\r\n',
    'm=audio 0 RTP/AVP 0\r\n',
    'm=',
    'o=',
    'a=rtpmap:',
    'a=__proto__:1\r\n',
    'v=0\r\n',
    'c=IN IP4 0.0.0.0\r\n',
    'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n',
    'Route: <sip:r;lr>\r\n',
    'Contact: *\r\n',
    'Record-Route: <sip:a;lr>,<sip:b>\r\n',
    'Require: 100rel\r\nRSeq: 1\r\n',
    'RAck: 1 1 INVITE\r\n',
    'Session-Expires: 90\r\n',
    'Content-Type: multipart/mixed;boundary=--\r\n',
    'Via: SIP/2.0/TLS [::1]:5061\r\n',
    'é',
    '\u{1F4DE}',
    '\u2028',
  ].map((text) => Buffer.from(text)),
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
];

/** One message changed in one to four places: bits, pieces, lines, cuts, parts of another one. */
export function mutated(original: Buffer, others: readonly Buffer[], dice: Dice): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let changes = 1 + dice.roll(4); changes > 0; changes -= 1) bytes = changed(bytes, others, dice);
  return bytes;
}

function changed(bytes: Buffer, others: readonly Buffer[], dice: Dice): Buffer {
  const at = dice.roll(bytes.length + 1);
  switch (dice.roll(10)) {
    case 0: {
      if (bytes.length === 0) return bytes;
      const index = Math.min(at, bytes.length - 1);
      bytes[index] = (bytes[index] ?? 0) ^ (1 << dice.roll(8));
      return bytes;
    }
    case 1:
    case 2:
      return Buffer.concat([bytes.subarray(0, at), dice.of(PIECES), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), dice.of(PIECES), bytes.subarray(at + dice.roll(20))]);
    case 4:
      return bytes.subarray(0, at);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + dice.roll(200))]);
    case 6: {
      const other = dice.of(others);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(dice.roll(other.length))]);
    }
    case 7: {
      const piece = dice.of(PIECES);
      return Buffer.concat([
        bytes.subarray(0, at),
        ...Array<Buffer>(1 + dice.roll(60)).fill(piece),
        bytes.subarray(at),
      ]);
    }
    default:
      return withLine(bytes, others, dice);
  }
}

/** A line twice, gone, moved, or one of another message. */
function withLine(bytes: Buffer, others: readonly Buffer[], dice: Dice): Buffer {
  const lines = bytes.toString('latin1').split('\r\n');
  const index = dice.roll(lines.length);
  const line = lines[index] ?? '';
  const foreign = dice.of(others).toString('latin1').split('\r\n');
  const kind = dice.roll(4);
  if (kind === 0) lines.splice(index, 0, line);
  else if (kind === 1) lines.splice(index, 1);
  else if (kind === 2) lines.splice(dice.roll(lines.length), 0, ...lines.splice(index, 1));
  else lines.splice(index, 1, dice.of(foreign));
  return Buffer.from(lines.join('\r\n'), 'latin1');
}
