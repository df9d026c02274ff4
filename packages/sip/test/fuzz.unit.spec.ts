import { readFileSync } from 'node:fs';
import { isCoded } from '@reinvite/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evidenceSchema } from '../src/dialog/evidence.js';
import { applyMessage, dialogsOf, emptyCall, type CallDialogs } from '../src/dialog/fold.js';
import { decodeHep } from '../src/hep/decode.js';
import { encodeHep } from '../src/hep/encode.js';
import type { HepPacket } from '../src/hep/packet.js';
import { parseSip } from '../src/message/parse.js';
import { parseSdp } from '../src/session/parse.js';
import { play, script } from './generated-call.js';
import { sipText } from './messages.js';
import { Dice, mutated } from './mutations.js';

/**
 * A million messages in all, the same ones in every run unless another seed is asked for:
 * `FUZZ_SEED=$RANDOM FUZZ_RUNS=10000000 npx vitest run --project unit packages/sip/test/fuzz`.
 */
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_121);
const RUNS = Number(process.env.FUZZ_RUNS ?? 1_000_000);
const CHUNKS = 10;
/** Far above what a chunk takes. */
const PATIENCE = { timeout: 3_600_000 };

/** As many Call-IDs as are followed at once. */
const CALLS = 200;

/** What Asterisk sent (`res_hep`), and whole calls of every shape: hold, digest, forks, PRACK, timers, a second node. */
function corpus(): { packets: Buffer[]; payloads: Buffer[] } {
  const packets = readFileSync(new URL('fixtures/asterisk-22-dial.hep.b64', import.meta.url), 'latin1')
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line, 'base64'));
  const captured = packets.map((packet) => decodeHep(packet).payload);
  const calls = fc.sample(script, { seed: 1, numRuns: 25 }).flatMap((one) => play(one).texts);
  return { packets, payloads: [...captured, ...calls.map((text) => Buffer.from(text))] };
}

const CODED = new Set(['HEP_TORN', 'HEP_UNSUPPORTED', 'SIP_MALFORMED']);

/** What came of the mutations, so that a run that reaches nothing shows. */
class Tally {
  private readonly counts = new Map<string, number>();
  add(outcome: string): void {
    this.counts.set(outcome, this.of(outcome) + 1);
  }
  of(outcome: string): number {
    return this.counts.get(outcome) ?? 0;
  }
}

/** The way of a packet through everything that is made of captures. */
class Follower {
  readonly tally = new Tally();
  private readonly calls = new Map<string, CallDialogs>();
  private folded = 0;

  follow(packet: Buffer): void {
    try {
      const decoded = decodeHep(packet);
      this.tally.add('decoded');
      this.fold(decoded);
    } catch (error) {
      if (!isCoded(error) || !CODED.has(error.code)) throw error;
      this.tally.add(error.code);
    }
  }

  private fold({ at, payload, source }: HepPacket): void {
    const message = parseSip(payload);
    this.tally.add('parsed');
    const direction = source.port % 2 === 0 ? 'sent' : 'received';
    const before = this.calls.get(message.callId) ?? emptyCall(message.callId);
    const call = applyMessage(before, { direction, at, nodeId: `ast${source.port % 3}`, message });
    if (call === before) return;
    this.calls.set(message.callId, call);
    this.folded += 1;
    // Not of each, for that takes longer than all the rest.
    if (this.folded % 64 === 0) this.check(call);
    if (this.calls.size > CALLS || call.evidence.size > 20) this.calls.clear();
  }

  private check(call: CallDialogs): void {
    for (const { unsure, localSession, remoteSession } of dialogsOf(call)) {
      this.tally.add(localSession === null && remoteSession === null ? 'without session' : 'with session');
      if (unsure.length > 0) this.tally.add('unsure');
    }
    for (const evidence of call.evidence.values()) {
      const text = JSON.stringify(evidence);
      expect(text.length).toBeLessThan(100_000);
      expect(evidenceSchema.parse(JSON.parse(text))).toEqual(evidence);
    }
  }
}

function run(seed: number, runs: number): Tally {
  const { packets, payloads } = corpus();
  const dice = new Dice(seed);
  const follower = new Follower();
  // Most of the mutations end in an error, and long traces would take longer than all the rest.
  Error.stackTraceLimit = 5;
  for (let count = 0; count < runs; count += 1) {
    if (dice.roll(10) === 0) follower.follow(mutated(dice.of(packets), packets, dice));
    else {
      const payload = mutated(dice.of(payloads), payloads, dice);
      const endpoint = { address: '10.77.0.9', port: dice.roll(6) };
      const at = (1_800_000_000 + dice.roll(100)) * 1_000_000;
      const common = { ipVersion: 4, ipProtocol: 17, protocolType: 1, captureId: 1 } as const;
      const nameless = { correlationId: null, captureName: null };
      follower.follow(
        encodeHep({ ...common, ...nameless, source: endpoint, destination: endpoint, at, payload }),
      );
    }
  }
  return follower.tally;
}

describe('mutated captures', () => {
  it.each(Array.from({ length: CHUNKS }, (_, chunk) => chunk))(
    'end in dialogs or in coded errors, and nothing else (part %i)',
    PATIENCE,
    (chunk) => {
      const tally = run(SEED + chunk, RUNS / CHUNKS);
      for (const outcome of ['decoded', 'parsed', 'with session', 'unsure', ...CODED])
        expect([outcome, tally.of(outcome) > 0]).toEqual([outcome, true]);
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('undefined');
    },
  );
});

describe('what is made to be slow', () => {
  const plain = { from: '<sip:a@x>;tag=1', to: '<sip:b@x>;tag=2', cseq: '1 INVITE' };
  const inSdp = (line: string) => `v=0\r\no=- 1 1 IN IP4 x\r\ns=-\r\nm=audio 1 RTP/AVP 0\r\n${line}\r\n`;
  const hostile: readonly (readonly [string, (length: number) => string])[] = [
    ['backslashes', (n) => sipText({ ...plain, contact: `"${'\\'.repeat(n)}` })],
    ['angle brackets', (n) => sipText({ ...plain, contact: '<'.repeat(n) })],
    ['white space in a header', (n) => sipText({ ...plain, contact: `<sip:a@x>${' \t'.repeat(n / 2)}x` })],
    ['semicolons', (n) => sipText({ ...plain, contact: `<sip:a@x>${';'.repeat(n)}` })],
    ['commas', (n) => sipText({ ...plain, recordRoute: ['"",'.repeat(n / 3)] })],
    ['white space in Via', (n) => sipText({ ...plain, via: `SIP/2.0/UDP${' '.repeat(n)}` })],
    ['digits', (n) => sipText({ ...plain, cseq: `${'9'.repeat(n)} INVITE` })],
    [
      'white space in Session-Expires',
      (n) => sipText({ ...plain, headers: [`Session-Expires: 90;${' ;'.repeat(n / 2)}refresher`] }),
    ],
    ['folded lines', (n) => sipText({ ...plain, headers: [`X: y${'\r\n y'.repeat(n / 4)}`] })],
    ['blank lines', (n) => '\r\n'.repeat(n / 2)],
    [
      'boundaries',
      (n) =>
        sipText({
          ...plain,
          headers: [`Content-Type: multipart/mixed${'; boundary='.repeat(n / 11)}`],
          sdp: '-'.repeat(n),
        }),
    ],
    ['attributes', (n) => sipText({ ...plain, sdp: inSdp('a=x\r\n'.repeat(n / 5)) })],
    ['a long attribute', (n) => sipText({ ...plain, sdp: inSdp(`a=fmtp:${' '.repeat(n)}`) })],
    ['candidates', (n) => sipText({ ...plain, sdp: inSdp(`a=candidate:${'0 '.repeat(n / 2)}`) })],
    ['simulcast', (n) => sipText({ ...plain, sdp: inSdp(`a=simulcast:send ${'1,'.repeat(n / 2)}!`) })],
    ['formats', (n) => sipText({ ...plain, sdp: inSdp(`m=audio 1 RTP/AVP${' 1'.repeat(n / 2)}`) })],
  ];
  const TIMES = 8;
  const SHORT = 4_000;

  it.each(hostile)('takes time by its length alone: %s', PATIENCE, (_what, make) => {
    const [short, long] = [Buffer.from(make(SHORT)), Buffer.from(make(SHORT * TIMES))];
    // What is quadratic takes 64 times as long. Processor time, and the best of several: others share the machine.
    const ratio = best(long) / Math.max(best(short), 20);
    expect(ratio).toBeLessThan(TIMES * 4);
  });

  /** Processor time of one reading, µs. */
  function best(payload: Buffer): number {
    let least = Infinity;
    for (let round = 0; round < 7; round += 1) {
      const before = process.cpuUsage();
      for (let repeat = 0; repeat < 5; repeat += 1) read(payload);
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) / 5);
    }
    return least;
  }

  function read(payload: Buffer): void {
    try {
      const message = parseSip(payload);
      applyMessage(emptyCall(message.callId), { direction: 'sent', at: 1, nodeId: 'ast1', message });
      parseSdp(message.body);
    } catch (error) {
      if (!isCoded(error)) throw error;
    }
  }
});
