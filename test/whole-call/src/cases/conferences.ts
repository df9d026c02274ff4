import { DIAL } from '../play/names.js';
import type { Case, Hears } from './case.js';

const THREE: Hears = { alice: ['bob', 'carol'], bob: ['alice', 'carol'], carol: ['alice', 'bob'] };

/** Three and more with each other. */
export const CONFERENCES: readonly Case[] = [
  {
    id: 'conference-bridge',
    title: 'a conference of three in a bridge of an application, all of it on the dead node',
    begin: async (play) => {
      await play.dialApplication('alice');
      await play.dialApplication('bob');
      await play.dialApplication('carol');
      await play.bridge(['alice', 'bob', 'carol']);
    },
    hears: THREE,
  },
  {
    id: 'conference-room',
    title: 'a ConfBridge of three, all of it on the dead node',
    begin: async (play) => {
      for (const name of ['alice', 'bob', 'carol'] as const) await play.dial(name, DIAL.room(play.id));
    },
    hears: THREE,
  },
];
