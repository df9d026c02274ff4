import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';
import { APP } from '../app/application.js';
import { longToneFile, promptFile, toneFile } from '../sound/make.js';
import { PHONE_NAMES } from '../sound/sounds.js';
import { QUEUES, SOUNDS } from './names.js';

/** Music on hold begins anew at its end, with a gap that should be rare. */
const MUSIC_S = 60;

/** What these cases need of the nodes beside the lab's own configuration; it stays when a node's Asterisk is started again. */
export async function furnish(lab: Lab): Promise<void> {
  await writeSounds(lab);
  const nodes = Object.keys(lab.info.ari);
  await Promise.all(nodes.map((node) => furnishNode(lab, node)));
}

async function writeSounds(lab: Lab): Promise<void> {
  const dir = path.join(lab.info.shared, path.basename(SOUNDS));
  const files: [string, Buffer][] = [
    ...PHONE_NAMES.map((name): [string, Buffer] => [`${name}.ulaw`, toneFile(name)]),
    ['prompt.ulaw', promptFile()],
    ['announcement.ulaw', longToneFile('announcement', MUSIC_S)],
    ['music/music.ulaw', longToneFile('music', MUSIC_S)],
    ['jazz/jazz.ulaw', longToneFile('jazz', MUSIC_S)],
  ];
  for (const [name, content] of files) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), content);
  }
}

async function furnishNode(lab: Lab, node: string): Promise<void> {
  const file = (name: string): string => lab.hostPath(node, `/etc/asterisk/${name}`);
  const edge = lab.info.hosts.edge?.address ?? '';
  await writeFile(file('whole-call.conf'), dialplan(edge));
  await appendFile(file('extensions.conf'), '\n#include whole-call.conf\n');
  await writeFile(file('musiconhold.conf'), music());
  await appendFile(file('lab/queues.conf'), `\n${queues()}`);
  await writeFile(file('res_parking.conf'), PARKING);
  for (const command of [
    'dialplan reload',
    'moh reload',
    'queue reload all',
    'module reload res_parking.so',
  ]) {
    await lab.exec(node, ['asterisk', '-rx', command]);
  }
}

function music(): string {
  const classOf = (name: string, directory: string): string =>
    `[${name}]\nmode=files\ndirectory=${SOUNDS}/${directory}\n`;
  return `${classOf('default', 'music')}\n${classOf('jazz', 'jazz')}`;
}

function queues(): string {
  const queue = (name: string): string =>
    `[${name}]\nstrategy=ringall\nmusicclass=jazz\ntimeout=15\nretry=1\nringinuse=no\nannounce-frequency=0\n`;
  return QUEUES.map(queue).join('\n');
}

const PARKING = `[general]
[default]
parkext => 700
parkpos => 701-720
context => whole-call-parked
parkedmusicclass = jazz
parkingtime = 600
`;

function dialplan(edge: string): string {
  const phone = (prefix: string): string => `PJSIP/edge/sip:phone-\${EXTEN:${prefix.length}}@${edge}`;
  return `[from-edge](+)
exten => _wc-stasis-.,1,Stasis(${APP})
 same => n,Hangup()
exten => _wc-dial-X.,1,Dial(${phone('wc-dial-')},30)
 same => n,Hangup()
exten => _wc-dialg-X.,1,Dial(${phone('wc-dialg-')},30,g)
 same => n,Playback(${SOUNDS}/announcement)
 same => n,Hangup()
exten => _wc-room-.,1,Answer()
 same => n,ConfBridge(\${EXTEN})
 same => n,Hangup()
exten => _wc-prompt-.,1,Answer()
 same => n,Playback(${SOUNDS}/prompt)
 same => n,Wait(1)
 same => n,Hangup()
exten => _wc-tape-X.,1,MixMonitor(\${EXTEN}.sln)
 same => n,Dial(${phone('wc-tape-')},30)
 same => n,Hangup()
exten => _wc-hall-.,1,Answer()
 same => n,BridgeWait(\${EXTEN:8},participant,m(jazz))
 same => n,Hangup()
exten => _wc-speaker-.,1,Answer()
 same => n,BridgeWait(\${EXTEN:11},announcer)
 same => n,Hangup()
exten => _wc-queue-.,1,Answer()
 same => n,Queue(\${EXTEN:9})
 same => n,Hangup()
exten => _wc-park-.,1,Answer()
 same => n,Park(default,s)
 same => n,Hangup()
exten => _wc-fetch-.,1,Answer()
 same => n,ParkedCall(default,701)
 same => n,Hangup()
`;
}
