import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { eventually } from '@reinvite/test-support';
import { billingOf } from '../app/ivr.js';
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
    id: 'ivr-joining',
    title: 'examples/ivr is charging for the call, and does not do it again',
    alone: true,
    begin: async (play) => {
      await blockBilling(play);
      await play.dial('alice', `ivr-${play.id}`);
      await press(play, 'alice', '321');
      await untilStep(play, 'alice', 'joining');
    },
    hears: { alice: [] },
    look: async (play) => {
      await untilStep(play, 'alice', 'conference');
      return [];
    },
    then: {
      what: 'bob comes into her conference',
      does: async (play) => {
        await unblockBilling(play);
        await play.dial('bob', `ivr-${play.id}`, play.nodeOf('alice'));
        await press(play, 'bob', '321');
      },
      hears: EACH_OTHER,
    },
    after: chargedTwice,
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

/** A pipe that nobody reads: the example waits in the middle of its charge. */
async function blockBilling({ around: { lab } }: CasePlay): Promise<void> {
  const file = billingOf(lab);
  await rm(file, { force: true });
  await promisify(execFile)('mkfifo', [file]);
}

/** What was being charged fails: nobody has read it. */
async function unblockBilling({ around: { lab } }: CasePlay): Promise<void> {
  const file = billingOf(lab);
  const pipe = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  await pipe.close();
  await rm(file);
  await writeFile(file, '');
}

/** After a crash in the middle of a charge nobody knows whether it was done, so it must not be done again. */
async function chargedTwice(play: CasePlay): Promise<string[]> {
  const charges = await readFile(billingOf(play.around.lab), 'utf8');
  return charges.includes(play.callOf('alice')?.callId ?? '-') ? ['alice was charged again'] : [];
}

async function untilStep(play: CasePlay, name: PhoneName, step: string): Promise<void> {
  await eventually(`${name} to be in the step ${step}`, async () => {
    const { rows } = await play.around.db.query<{ state: string }>(
      'select state from call_flows where sip_call_id = $1',
      [play.callOf(name)?.callId],
    );
    return rows.some(({ state }) => (JSON.parse(state) as { step: string }).step === step);
  });
}

async function press(play: CasePlay, name: PhoneName, digits: string): Promise<void> {
  for (const digit of digits) await play.press(name, digit);
}
