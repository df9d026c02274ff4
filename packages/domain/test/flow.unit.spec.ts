import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitArguments } from '../src/call/app-data.js';
import { parseRecoveredArgs, recoveredArgs } from '../src/index.js';

describe('the arguments with which a channel comes back', () => {
  it('are as they were where the application has put nothing', () => {
    expect(recoveredArgs('call-1')).toEqual(['recovered', 'call-1']);
  });

  it('are read as what was put, whatever it was, after Asterisk has split them at its separators', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 2 ** 31 - 1 }), (value, version) => {
        const state = JSON.stringify(value);
        const appData = ['ivr', ...recoveredArgs('call-1', { version, state })].join(',');
        const [, ...args] = splitArguments(appData);
        expect(parseRecoveredArgs(args)).toEqual({
          callId: 'call-1',
          version,
          state: JSON.parse(state) as unknown,
        });
      }),
    );
  });

  it('are none for whatever else an application is started with', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (args) => {
        const read = parseRecoveredArgs(args);
        if (args[0] !== 'recovered') expect(read).toBeNull();
      }),
    );
    for (const args of [
      [],
      ['recovered'],
      ['app', 'call-1'],
      ['recovered', 'call-1', '1'],
      ['recovered', 'call-1', '0', 'MQ'],
      ['recovered', 'call-1', 'x', 'MQ'],
      ['recovered', 'call-1', '1', 'e30x'],
    ])
      expect(parseRecoveredArgs(args), args.join()).toBeNull();
  });
});
