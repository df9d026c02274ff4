import { isCoded } from '@reinvite/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketReader, writeAction } from '../src/packets.js';

const GREETING = 'Asterisk Call Manager/11.0.0\r\n';

function read(pieces: readonly string[]): unknown[] {
  const reader = new PacketReader();
  return pieces.flatMap((piece) => reader.read(piece).map((packet) => ({ ...packet })));
}

describe('packets of a manager interface', () => {
  it('are read wherever they are cut', () => {
    const packet = fc.dictionary(
      fc.stringMatching(/^[A-Za-z]{1,12}$/),
      fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/),
      { minKeys: 1, maxKeys: 6 },
    );
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 5 }), fc.array(fc.nat(400)), (packets, cuts) => {
        const text = GREETING + packets.map((one) => writeAction(one)).join('');
        const at = [0, ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        expect(read(pieces)).toEqual(packets.map((one) => ({ ...one })));
      }),
    );
  });

  it('never fail but with AMI_MESSAGE_INVALID, whatever comes', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.string({ unit: 'binary' })), (greeted, pieces) => {
        try {
          read([greeted ? GREETING : '', ...pieces]);
        } catch (error) {
          expect(isCoded(error, 'AMI_MESSAGE_INVALID')).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a line without end', GREETING + 'x'.repeat(70_000)],
    ['a packet without end', GREETING + `Name: ${'x'.repeat(1_000)}\r\n`.repeat(1_100)],
  ])('are not what %s sends', (_, text) => {
    expect(() => read([text])).toThrow(/AMI_MESSAGE_INVALID/);
  });

  it('keep what is a name of every object to themselves', () => {
    const [packet] = new PacketReader().read(`${GREETING}__proto__: x\r\nconstructor: y\r\n\r\n`);
    expect(packet?.['constructor']).toBe('y');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(Object.keys(packet ?? {})).toEqual(['__proto__', 'constructor']);
  });

  it('carry no second action within a value', () => {
    expect(() => writeAction({ Action: 'Ping', ActionID: '1\r\nAction: Hangup' })).toThrow(
      /AMI_REQUEST_FAILED/,
    );
  });
});
