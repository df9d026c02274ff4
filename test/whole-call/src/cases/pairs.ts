import { DIAL } from '../play/names.js';
import type { Case, Hears } from './case.js';

const EACH_OTHER: Hears = { alice: ['bob'], bob: ['alice'] };

/** Two phones with each other. */
export const PAIRS: readonly Case[] = [
  {
    id: 'pair-bridge',
    title: 'two phones in a bridge of an application',
    begin: async (play) => {
      await play.dialApplication('alice');
      await play.callPhone('bob');
      await play.bridge(['alice', 'bob']);
    },
    hears: EACH_OTHER,
  },
  {
    id: 'pair-dial',
    title: 'two phones joined by Dial',
    begin: async (play) => {
      const port = await play.listen('bob');
      await play.dial('alice', DIAL.dial(port));
      await play.untilTalking('bob');
    },
    hears: EACH_OTHER,
  },
  {
    id: 'dial-goes-on',
    title: 'in the middle of a Dial after which the dialplan goes on',
    begin: async (play) => {
      const port = await play.listen('bob');
      await play.dial('alice', DIAL.dialAndGoOn(port));
      await play.untilTalking('bob');
    },
    hears: EACH_OTHER,
    then: {
      what: 'bob hangs up and alice goes on in the dialplan',
      does: (play) => play.hangUp('bob'),
      hears: { alice: ['announcement'] },
    },
  },
];
