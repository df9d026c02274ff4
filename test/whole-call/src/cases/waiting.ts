import { DIAL } from '../play/names.js';
import type { Case, Hears } from './case.js';

const EACH_OTHER: Hears = { alice: ['bob'], bob: ['alice'] };

/** Applications of the dialplan in which callers wait. */
export const WAITING: readonly Case[] = [
  {
    id: 'queue-waiting',
    title: 'a caller who waits in a Queue, until a member comes',
    begin: (play) => play.dial('alice', DIAL.queue('waiting')),
    hears: { alice: ['jazz'] },
    then: {
      what: 'a member is added and takes the call',
      does: async (play) => {
        const port = await play.listen('bob');
        await play.addMember(play.nodeOf('alice'), 'waiting', port);
        await play.untilTalking('bob');
      },
      hears: EACH_OTHER,
    },
  },
  {
    id: 'queue-talking',
    title: 'a caller of a Queue who talks to a member',
    begin: async (play) => {
      const port = await play.listen('bob');
      await play.addMember(play.firstNode, 'talking', port);
      await play.dial('alice', DIAL.queue('talking'));
      await play.untilTalking('bob');
    },
    hears: EACH_OTHER,
  },
  {
    id: 'parked',
    title: 'a parked call, until somebody fetches it',
    begin: (play) => play.dial('alice', DIAL.park(play.id)),
    hears: { alice: ['jazz'] },
    then: {
      what: 'bob fetches it from its space',
      does: (play) => play.dial('bob', DIAL.parked(play.id), play.nodeOf('alice')),
      hears: EACH_OTHER,
    },
  },
  {
    id: 'hall-waiting',
    title: 'one who waits in BridgeWait, with music of a class',
    begin: (play) => play.dial('alice', DIAL.hall(play.id)),
    hears: { alice: ['jazz'] },
  },
  {
    id: 'hall-dialplan',
    title: 'two who wait in BridgeWait, and an announcer',
    begin: async (play) => {
      await play.dial('alice', DIAL.hall(play.id));
      await play.dial('bob', DIAL.hall(play.id));
      await play.dial('carol', DIAL.hallSpeaker(play.id));
    },
    hears: { alice: ['carol'], bob: ['carol'], carol: [] },
  },
  {
    id: 'hall-bridge',
    title: 'a holding bridge of an application, two participants and an announcer, who say so by a variable',
    begin: async (play) => {
      for (const name of ['alice', 'bob', 'carol'] as const) await play.dialApplication(name);
      const bridgeId = await play.bridge([], 'holding');
      const roles = { alice: 'participant', bob: 'participant', carol: 'announcer' } as const;
      for (const name of ['alice', 'bob', 'carol'] as const) {
        await play.setVariable(name, 'REINVITE_ROLE', roles[name]);
        await play.join(name, bridgeId, roles[name]);
      }
    },
    hears: { alice: ['carol'], bob: ['carol'], carol: [] },
  },
];
