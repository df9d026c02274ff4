import type { CasePlay } from '../play/case-play.js';
import type { PhoneName } from '../sound/sounds.js';
import type { Case, Hears } from './case.js';

const EACH_OTHER: Hears = { alice: ['bob'], bob: ['alice'] };

/** The application of examples/ivr in each of its steps: it keeps its state with Reinvite, and goes on by itself. */
export const APPLICATION: readonly Case[] = [
  {
    id: 'ivr-prompt',
    title: 'examples/ivr plays its prompt, and begins it again',
    alone: true,
    begin: (play) => play.dial('alice', `ivr-${play.id}`),
    hears: { alice: ['prompt'] },
    then: {
      what: 'alice and bob press the digits of one conference',
      does: async (play) => {
        await press(play, 'alice', '123');
        await play.dial('bob', `ivr-${play.id}`, play.nodeOf('alice'));
        await press(play, 'bob', '123');
      },
      hears: EACH_OTHER,
    },
  },
  {
    id: 'ivr-collect',
    title: 'examples/ivr has one digit of three',
    begin: async (play) => {
      await play.dial('alice', `ivr-${play.id}`);
      await press(play, 'alice', '4');
    },
    hears: { alice: [] },
    then: {
      what: 'alice presses the digits that are missing, and bob comes',
      does: async (play) => {
        await press(play, 'alice', '56');
        await play.dial('bob', `ivr-${play.id}`, play.nodeOf('alice'));
        await press(play, 'bob', '456');
      },
      hears: EACH_OTHER,
    },
  },
  {
    id: 'ivr-conference',
    title: 'examples/ivr has joined two callers',
    begin: async (play) => {
      for (const name of ['alice', 'bob'] as const) {
        await play.dial(name, `ivr-${play.id}`);
        await press(play, name, '789');
      }
    },
    hears: EACH_OTHER,
  },
];

async function press(play: CasePlay, name: PhoneName, digits: string): Promise<void> {
  for (const digit of digits) await play.press(name, digit);
}
