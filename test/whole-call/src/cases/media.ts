import { DIAL, SOUNDS } from '../play/names.js';
import type { CasePlay } from '../play/case-play.js';
import type { Case, Hears } from './case.js';

const EACH_OTHER: Hears = { alice: ['bob'], bob: ['alice'] };
/** Who is held hears the music of its own side's class; who holds sends and hears nothing. */
const HELD: Hears = { alice: [], bob: ['music'] };

/** What is heard beside the other party, or in its place. */
export const MEDIA: readonly Case[] = [
  {
    id: 'prompt-application',
    title: 'in the middle of a prompt of 20 s that an application plays',
    alone: true,
    begin: async (play) => {
      await play.dialApplication('alice');
      await play.ask('alice', 'POST', (id) => `/channels/${id}/play/prompt-${play.id}`, {
        media: `sound:${SOUNDS}/prompt`,
      });
      await play.untilInPrompt('alice');
    },
    hears: { alice: ['prompt'] },
    prompt: 'alice',
  },
  {
    id: 'prompt-dialplan',
    title: 'in the middle of a Playback of 20 s',
    alone: true,
    begin: async (play) => {
      await play.dial('alice', DIAL.prompt(play.id));
      await play.untilInPrompt('alice');
    },
    hears: { alice: ['prompt'] },
    prompt: 'alice',
  },
  {
    id: 'music-class',
    title: 'music on hold of a class that the application has chosen',
    begin: async (play) => {
      await play.dialApplication('alice');
      await play.ask('alice', 'POST', (id) => `/channels/${id}/moh`, { mohClass: 'jazz' });
    },
    hears: { alice: ['jazz'] },
  },
  {
    id: 'hold-bridge',
    title: 'held by the phone, in a bridge of an application',
    begin: async (play) => {
      await pairInBridge(play);
      await play.personHolds('alice', 'HOLD');
    },
    hears: HELD,
    then: {
      what: 'alice takes bob off hold',
      does: (play) => play.personHolds('alice', 'RESUME'),
      hears: EACH_OTHER,
    },
  },
  {
    id: 'hold-dial',
    title: 'held by the phone, in a Dial',
    begin: async (play) => {
      const port = await play.listen('bob');
      await play.dial('alice', DIAL.dial(port));
      await play.untilTalking('bob');
      await play.personHolds('alice', 'HOLD');
    },
    hears: HELD,
    then: {
      what: 'alice takes bob off hold',
      does: (play) => play.personHolds('alice', 'RESUME'),
      hears: EACH_OTHER,
    },
  },
  {
    id: 'mute',
    title: 'a phone that the application has muted, and says so by a variable',
    begin: async (play) => {
      await pairInBridge(play);
      await play.ask('alice', 'POST', (id) => `/channels/${id}/mute`, { direction: 'in' });
      await play.setVariable('alice', 'REINVITE_MUTED', 'in');
    },
    hears: { alice: ['bob'], bob: [] },
    then: {
      what: 'the application takes the mute off',
      does: async (play) => {
        await play.ask('alice', 'DELETE', (id) => `/channels/${id}/mute`, { direction: 'in' });
        await play.setVariable('alice', 'REINVITE_MUTED', '');
      },
      hears: EACH_OTHER,
    },
  },
];

async function pairInBridge(play: CasePlay): Promise<void> {
  await play.dialApplication('alice');
  await play.callPhone('bob');
  await play.bridge(['alice', 'bob']);
}
