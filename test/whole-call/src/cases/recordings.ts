import { readFile } from 'node:fs/promises';
import { sharesInFile } from '../sound/file.js';
import { DIAL } from '../play/names.js';
import type { CasePlay } from '../play/case-play.js';
import { manifestOf, type RecordedPart } from '../play/audit.js';
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

/** Recordings, which have to go on: every part and what ties them. */
export const RECORDINGS: readonly Case[] = [
  {
    id: 'recording-leg',
    title: 'an application records a phone',
    begin: async (play) => {
      await play.dialApplication('alice');
      await play.ask('alice', 'POST', (id) => `/channels/${id}/record`, settingsOf(play));
    },
    hears: { alice: [] },
    after: (play) => partFaults(play, nameOf(play), 'ari', ['alice']),
  },
  {
    id: 'recording-bridge',
    title: 'an application records the bridge of two phones',
    begin: async (play) => {
      await play.dialApplication('alice');
      await play.callPhone('bob');
      const bridgeId = await play.bridge(['alice', 'bob']);
      await play.ask('alice', 'POST', () => `/bridges/${bridgeId}/record`, settingsOf(play));
    },
    hears: EACH_OTHER,
    after: (play) => partFaults(play, nameOf(play), 'ari', ['alice', 'bob']),
  },
  {
    id: 'recording-dialplan',
    title: 'a MixMonitor in front of a Dial',
    begin: async (play) => {
      const port = await play.listen('bob');
      await play.dial('alice', DIAL.tape(port));
      await play.untilTalking('bob');
    },
    hears: EACH_OTHER,
    after: (play) =>
      partFaults(play, `${DIAL.tape(play.phone('bob').sipPort)}.ulaw`, 'mixmonitor', ['alice', 'bob']),
  },
];

function nameOf({ id }: CasePlay): string {
  return `whole-${id}`;
}

function settingsOf(play: CasePlay): Readonly<Record<string, string>> {
  return { name: nameOf(play), format: 'ulaw', ifExists: 'fail' };
}

/** What lacks of a recording's parts: each in the manifest in its order, and on its node with every voice that it should have. */
async function partFaults(
  play: CasePlay,
  name: string,
  kind: keyof typeof SPOOL,
  voices: readonly Sound[],
): Promise<string[]> {
  const parts = await manifestOf(play.around.db, name);
  if (parts.length < PARTS)
    return [`the manifest of ${name} has ${parts.length} parts: ${JSON.stringify(parts)}`];
  const order = parts.map(({ part }) => part);
  const faults = order.some((part, index) => part !== index + 1) ? [`its parts are ${order.join(', ')}`] : [];
  for (const part of parts) faults.push(...(await fileFaults(play, part, kind, voices)));
  return faults;
}

async function fileFaults(
  { around }: CasePlay,
  part: RecordedPart,
  kind: keyof typeof SPOOL,
  voices: readonly Sound[],
): Promise<string[]> {
  const name = part.name.endsWith('.ulaw') ? part.name : `${part.name}.ulaw`;
  const file = around.lab.hostPath(part.nodeId, `${SPOOL[kind]}/${name}`);
  const content = await readFile(file).catch(() => null);
  if (content === null) return [`part ${part.part} (${name}) is not on ${part.nodeId}`];
  const { ms, shares } = sharesInFile(content);
  return [
    ...(ms < SHORTEST_MS ? [`part ${part.part} has ${ms} ms`] : []),
    ...voices
      .filter((voice) => (shares.get(voice) ?? 0) < THERE)
      .map((voice) => `${voice} fills ${Math.round((shares.get(voice) ?? 0) * 100)} % of part ${part.part}`),
  ];
}
