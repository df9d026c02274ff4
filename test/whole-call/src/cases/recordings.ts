import { readFile, stat } from 'node:fs/promises';
import { eventually } from '@reinvite/test-support';
import { manifestOf, type RecordedPart } from '../play/audit.js';
import type { CasePlay } from '../play/case-play.js';
import { DIAL } from '../play/names.js';
import { soundsInFile } from '../sound/file.js';
import type { Sound } from '../sound/sounds.js';
import type { Case, Hears } from './case.js';

const EACH_OTHER: Hears = { alice: ['bob'], bob: ['alice'] };
/** Where Asterisk keeps what ARI records, and what `MixMonitor` does. */
const SPOOL = { ari: '/var/spool/asterisk/recording', mixmonitor: '/var/spool/asterisk/monitor' } as const;
/** Two crashes make three parts. */
const PARTS = 3;
/** A voice has to fill so much of every part, and a part to be so long. */
const THERE = 0.8;
const SHORTEST_MS = 1_500;

/** A recording, as its case knows it. */
interface Recording {
  /** Name of the whole of it in the manifest. */
  readonly name: (play: CasePlay) => string;
  readonly kind: keyof typeof SPOOL;
  readonly voices: readonly Sound[];
}

const OF_LEG: Recording = { name: nameOf, kind: 'ari', voices: ['alice'] };
const OF_BRIDGE: Recording = { name: nameOf, kind: 'ari', voices: ['alice', 'bob'] };
const OF_DIALPLAN: Recording = {
  name: (play) => DIAL.tape(play.phone('bob').sipPort),
  kind: 'mixmonitor',
  voices: ['alice', 'bob'],
};

/** Recordings, which have to go on: every part and what ties them. */
export const RECORDINGS: readonly Case[] = [
  {
    id: 'recording-leg',
    title: 'an application records a phone',
    begin: async (play) => {
      await play.dialApplication('alice');
      await play.ask('alice', 'POST', (id) => `/channels/${id}/record`, settingsOf(play));
      await untilOnDisk(play, OF_LEG, play.firstNode, nameOf(play));
    },
    hears: { alice: [] },
    look: (play) => lastPartFaults(play, OF_LEG),
    after: (play) => partFaults(play, OF_LEG),
  },
  {
    id: 'recording-bridge',
    title: 'an application records the bridge of two phones',
    begin: async (play) => {
      await play.dialApplication('alice');
      await play.callPhone('bob');
      const bridgeId = await play.bridge(['alice', 'bob']);
      await play.ask('alice', 'POST', () => `/bridges/${bridgeId}/record`, settingsOf(play));
      await untilOnDisk(play, OF_BRIDGE, play.firstNode, nameOf(play));
    },
    hears: EACH_OTHER,
    look: (play) => lastPartFaults(play, OF_BRIDGE),
    after: (play) => partFaults(play, OF_BRIDGE),
  },
  {
    id: 'recording-dialplan',
    title: 'a MixMonitor in front of a Dial',
    begin: async (play) => {
      const port = await play.listen('bob');
      await play.dial('alice', DIAL.tape(port));
      await play.untilTalking('bob');
      await untilOnDisk(play, OF_DIALPLAN, play.firstNode, OF_DIALPLAN.name(play));
    },
    hears: EACH_OTHER,
    look: (play) => lastPartFaults(play, OF_DIALPLAN),
    after: (play) => partFaults(play, OF_DIALPLAN),
  },
];

function nameOf({ id }: CasePlay): string {
  return `whole-${id}`;
}

function settingsOf(play: CasePlay): Readonly<Record<string, string>> {
  return { name: nameOf(play), format: 'sln', ifExists: 'fail' };
}

/** A part's file, as a path on this machine. */
function fileOf(play: CasePlay, { kind }: Recording, node: string, name: string): string {
  return play.around.lab.hostPath(node, `${SPOOL[kind]}/${name}.sln`);
}

/** Asterisk holds back 32 KiB of a file: a part has to be longer for anything of it to outlive its node. */
async function untilOnDisk(play: CasePlay, recording: Recording, node: string, name: string): Promise<void> {
  const file = fileOf(play, recording, node, name);
  await eventually(`${name} to be on the disk of ${node}`, async () =>
    stat(file).then(
      ({ size }) => size > 0,
      () => false,
    ),
  );
}

/** After a crash the recording has to go on in a part of its own. */
async function lastPartFaults(play: CasePlay, recording: Recording): Promise<string[]> {
  const name = recording.name(play);
  const last = await eventually(`a part of ${name} on the node of its call`, async () => {
    const part = (await manifestOf(play.around.db, name)).at(-1);
    return part?.nodeId === play.nodeOf('alice') ? part : undefined;
  });
  await untilOnDisk(play, recording, last.nodeId, last.name);
  return [];
}

/** What lacks of a recording: each part in the manifest in its order, and on its node with every voice that it should have. */
async function partFaults(play: CasePlay, recording: Recording): Promise<string[]> {
  const name = recording.name(play);
  const parts = await manifestOf(play.around.db, name);
  if (parts.length < PARTS)
    return [`the manifest of ${name} has ${parts.length} parts: ${JSON.stringify(parts)}`];
  const order = parts.map(({ part }) => part);
  const faults = order.some((part, index) => part !== index + 1) ? [`its parts are ${order.join(', ')}`] : [];
  for (const part of parts) faults.push(...(await fileFaults(play, recording, part)));
  return faults;
}

async function fileFaults(play: CasePlay, recording: Recording, part: RecordedPart): Promise<string[]> {
  const content = await readFile(fileOf(play, recording, part.nodeId, part.name)).catch(() => null);
  if (content === null) return [`part ${part.part} (${part.name}) is not on ${part.nodeId}`];
  const { ms, shares } = soundsInFile(content);
  const percent = (voice: Sound): number => Math.round((shares.get(voice) ?? 0) * 100);
  return [
    ...(ms < SHORTEST_MS ? [`part ${part.part} has ${ms} ms`] : []),
    ...recording.voices
      .filter((voice) => (shares.get(voice) ?? 0) < THERE)
      .map((voice) => `${voice} fills ${percent(voice)} % of part ${part.part}`),
  ];
}
