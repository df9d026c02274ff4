import { eventually } from '@reinvite/test-support';
import { DIAL } from '../play/names.js';
import { APP } from '../app/application.js';
import type { CasePlay } from '../play/case-play.js';
import type { Case, Hears } from './case.js';

/** Node of those whose conference goes on when the first one dies. */
const OTHER_NODE = 'ast2';

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
  {
    id: 'room-muted',
    title: 'a ConfBridge of three, one of them muted',
    begin: async (play) => {
      for (const name of ['alice', 'bob', 'carol'] as const) await play.dial(name, DIAL.room(play.id));
      await muteInRoom(play, 'mute');
    },
    hears: { ...THREE, alice: ['bob'], bob: ['alice'] },
    then: {
      what: 'carol is unmuted',
      does: (play) => muteInRoom(play, 'unmute'),
      hears: THREE,
    },
  },
  {
    id: 'spread-bridge',
    title: 'a conference of three in bridges of an application on two nodes, one of them on the dead one',
    begin: async (play) => {
      await play.dialApplication('alice');
      await play.bridge(['alice']);
      for (const name of ['bob', 'carol'] as const) await play.dialApplication(name, OTHER_NODE);
      const bridgeId = await play.bridge(['bob', 'carol'], 'mixing', OTHER_NODE);
      const { application } = play.around;
      const trunk = await originateTrunk(play, DIAL.stasis(`${play.id}-trunk`), { app: APP });
      for (const [node, channel] of trunk)
        await application.ask(node, 'POST', `/bridges/${bridgeId}/addChannel`, { channel });
    },
    hears: THREE,
  },
  {
    id: 'spread-room',
    title: 'a ConfBridge of three on two nodes, one of them on the dead one',
    begin: async (play) => {
      const room = DIAL.room(play.id);
      await play.dial('alice', room);
      for (const name of ['bob', 'carol'] as const) await play.dial(name, room, OTHER_NODE);
      await originateTrunk(play, room, { context: 'from-edge', extension: room, priority: '1' });
    },
    hears: THREE,
  },
];

/**
 * A call from the other node to the first one, by which the two halves of a conference hear each other.
 * @param goesOn where the calling end goes when the call is answered.
 * @returns both ends once they are up: node and channel id.
 */
async function originateTrunk(
  play: CasePlay,
  dialled: string,
  goesOn: Readonly<Record<string, string>>,
): Promise<[string, string][]> {
  const { application, lab } = play.around;
  const channelId = `${play.id}-trunk`;
  const endpoint = `PJSIP/direct/sip:${dialled}@${lab.info.hosts[play.firstNode]?.address ?? ''}:5060`;
  await application.ask(
    OTHER_NODE,
    'POST',
    `/channels/${channelId}`,
    { endpoint, ...goesOn },
    { 'PJSIP_HEADER(add,X-Lab-Endpoint)': 'direct' },
  );
  return eventually('the trunk to be up', async () => {
    const [here, there] = await Promise.all(
      [OTHER_NODE, play.firstNode].map(
        async (node) => (await application.ask(node, 'GET', '/channels')) as TrunkEnd[],
      ),
    );
    const near = here?.find(({ id }) => id === channelId);
    const far = there?.find(({ protocol_id: callId }) => callId === near?.protocol_id);
    if (near === undefined || far === undefined) return undefined;
    // Nobody answers a call that goes into the application but the application.
    if (far.state !== 'Up' && 'app' in goesOn)
      await application.ask(play.firstNode, 'POST', `/channels/${far.id}/answer`).catch(() => undefined);
    if (near.state !== 'Up' || far.state !== 'Up') return undefined;
    return [
      [OTHER_NODE, near.id],
      [play.firstNode, far.id],
    ];
  });
}

async function muteInRoom(play: CasePlay, command: 'mute' | 'unmute'): Promise<void> {
  const node = play.nodeOf('carol');
  const channel = await play.channelName('carol');
  await play.cli(node, `confbridge ${command} ${DIAL.room(play.id)} ${channel}`);
}

/** A channel, as ARI shows it. */
interface TrunkEnd {
  readonly id: string;
  readonly protocol_id: string;
  readonly state: string;
}
