import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAri, type AriConnection } from '@reinvite/ari';
import { Bus, subjects } from '@reinvite/bus';
import {
  callFact,
  fenceReply,
  heartbeat,
  processGone,
  type CallFact,
  type Heartbeat,
  type ProcessGone,
} from '@reinvite/domain';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const log = createLogger('test', 'silent');
const MAIN = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));
const PORTS = ['5070', '5071'] as const;

/** The agent runs as a process of its own in the lab, where it sees its Asterisk's process; the test plays the sentinel. */
describe('the node-agent beside a real Asterisk', () => {
  let lab: Lab;
  let bus: Bus;
  let ari: AriConnection;
  let agent: ChildProcess;
  const stop = new AbortController();
  const children: ChildProcess[] = [];
  const facts: { seq: number; message: CallFact }[] = [];
  const beats: Heartbeat[] = [];
  const deaths: ProcessGone[] = [];
  let recording = false;

  const address = (host: string): string => lab.info.hosts[host]?.address ?? '';
  const phone = (port: string): string => `PJSIP/edge/sip:phone-${port}@${address('edge')}`;
  const life = async (): Promise<string> => (await ari.whenUp()).incarnation;
  const factWhere = <T extends CallFact['type']>(
    type: T,
    fits: (fact: Extract<CallFact, { type: T }>) => boolean = () => true,
  ) =>
    eventually(`${type}`, () =>
      facts
        .map(({ message }) => message)
        .findLast(
          (fact): fact is Extract<CallFact, { type: T }> => fact.type === type && fits(fact as never),
        ),
    );
  const beatWhere = (what: string, fits: (beat: Heartbeat) => boolean) =>
    eventually(`a heartbeat ${what}`, () => beats.slice(-1).find(fits));
  const startAgent = async (config: string): Promise<void> => {
    agent = lab.spawn('ast1', [process.execPath, MAIN, 'run', 'node-agent', '--config', config], {
      files: 'machine',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(agent);
    let said = '';
    agent.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
    await eventually('the agent to be ready', () => said.includes('"msg":"ready"'));
  };
  let config: string;

  beforeAll(async () => {
    lab = await startLab({ nodes: 1, reinvite: false });
    const { url = '', username = '', password = '' } = lab.info.ari['ast1'] ?? {};
    const access = { url: new URL(url).origin, username, password };
    bus = await Bus.connect({ servers: [lab.info.nats], name: 'test', log, signal: stop.signal });
    bus.subscribe(subjects.heartbeat('ast1'), heartbeat, (beat) => void beats.push(beat));
    const answer = async (gone: ProcessGone): Promise<unknown> => {
      deaths.push(gone);
      return { recorded: recording };
    };
    bus.respond(subjects.processGone('ast1'), processGone, answer, () => ({ recorded: false }));
    void bus.tail({
      stream: 'callFacts',
      schema: callFact,
      after: async () => facts.at(-1)?.seq ?? 0,
      maxBatch: 100,
      handler: async (batch) => void facts.push(...batch),
    });
    const phones = address('phones');
    for (const port of PORTS) {
      const argv = ['sipp', '-sn', 'uas', '-i', phones, '-p', port, '-nostdin'];
      children.push(lab.spawn('phones', argv, { stdio: 'ignore' }));
    }
    ari = connectAri({ ...access, app: 'demo', log, signal: stop.signal });
    await ari.whenUp();
    config = path.join(lab.info.shared, 'agent.json');
    const pidFile = lab.hostPath('ast1', '/run/asterisk/asterisk.pid').replace(/^\/proc\/\d+\/root/, '');
    const settings = {
      nats: { servers: [lab.info.nats] },
      postgres: { url: lab.info.postgres },
      nodes: [{ id: 'ast1', sipAddresses: [address('ast1')], ari: access }],
      nodeAgent: { nodeId: 'ast1', pidFile, variables: ['CUSTOMER', 'REINVITE_MUTED'] },
    };
    await writeFile(config, JSON.stringify(settings));
    await startAgent(config);
  });
  afterAll(async () => {
    stop.abort(new Error('stopped'));
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
    await lab.down();
  });

  it('says that Asterisk is up, which life it is in, and that it can take recovered calls', async () => {
    const beat = await beatWhere('with the module', ({ recoveryModule }) => recoveryModule);
    expect(beat).toMatchObject({
      nodeId: 'ast1',
      asterisk: 'up',
      incarnation: await life(),
      liveChannels: 0,
    });
    await factWhere('NodeSynced');
  });

  it('tells a call in an application, and its end', async () => {
    await ari.channels.originate({
      channelId: 'app.',
      endpoint: phone('5070'),
      target: { app: 'demo', appArgs: ['x'] },
    });
    const leg = await factWhere(
      'LegObserved',
      (fact) => fact.channelId === 'app.' && fact.stasisApp === 'demo',
    );
    expect(leg).toMatchObject({ state: 'Up', endpoint: 'edge', dialedBy: null, incarnation: await life() });
    expect(leg.sipCallId).toBe((await ari.channels.get('app.')).protocolId);
    await beatWhere('with one leg', ({ liveChannels }) => liveChannels === 1);
    await ari.channels.hangup('app.');
    await factWhere('LegGone', ({ channelId }) => channelId === 'app.');
  });

  it('tells two phones joined by Dial: who dialled whom, and their bridge', async () => {
    const target = { context: 'from-edge', extension: 'dial-5071', priority: 1 };
    const variables = { CUSTOMER: '42', REINVITE_MUTED: 'in' };
    await ari.channels.originate({ channelId: 'caller.', endpoint: phone('5070'), target, variables });
    const callee = await factWhere(
      'LegObserved',
      (fact) => fact.dialedBy === 'caller.' && fact.state === 'Up',
    );
    expect(callee.dialplan.appName).toBe('AppDial');
    const bridge = await factWhere('BridgeObserved', ({ channelIds }) => channelIds.length === 2);
    expect(bridge.bridgeClass).toBe('basic');
    expect(new Set(bridge.channelIds)).toEqual(new Set(['caller.', callee.channelId]));
  });

  it('tells everything anew when it was away itself, variables too', async () => {
    await factWhere('LegObserved', ({ activity }) => activity?.muted !== undefined);
    const before = facts.length;
    const ended = once(agent, 'exit');
    agent.kill('SIGKILL');
    await ended;
    await startAgent(config);
    const again = await eventually('a second round of facts', () => {
      const round = facts.slice(before).map(({ message }) => message);
      // What was still on its way of the first agent came before.
      const begin = round.findLastIndex(({ type }) => type === 'NodeSyncing');
      return begin >= 0 && round.at(-1)?.type === 'NodeSynced' ? round.slice(begin) : undefined;
    });
    expect(again.map(({ type }) => type)).toEqual([
      'NodeSyncing',
      'LegObserved',
      'LegObserved',
      'BridgeObserved',
      'NodeSynced',
    ]);
    const legs = again.filter((fact) => fact.type === 'LegObserved');
    expect(legs.map(({ dialedBy }) => dialedBy)).toContain('caller.');
    const caller = legs.find(({ channelId }) => channelId === 'caller.');
    expect(caller?.activity).toMatchObject({
      variables: { CUSTOMER: '42', REINVITE_MUTED: 'in' },
      muted: { in: true, out: false },
    });
    expect(legs.find(({ dialedBy }) => dialedBy === 'caller.')?.activity?.variables).toBeUndefined();
  });

  it('keeps what it sees while NATS is away, and tells it when NATS is back', async () => {
    await lab.kill('nats');
    await ari.channels.originate({ channelId: 'quiet.', endpoint: phone('5070'), target: { app: 'demo' } });
    await eventually('the call to be up', async () => (await ari.channels.get('quiet.')).state === 'Up');
    await lab.start('nats');
    await factWhere('LegObserved', (fact) => fact.channelId === 'quiet.' && fact.stasisApp === 'demo');
    expect(agent.exitCode).toBeNull();
    await beatWhere('with three legs', ({ liveChannels }) => liveChannels === 3);
  });

  it('reports a hung Asterisk as unresponsive, and does not take it for dead', async () => {
    await lab.hang('ast1');
    await beatWhere('that it does not answer', ({ asterisk }) => asterisk === 'unresponsive');
    expect(deaths).toEqual([]);
    await lab.heal('ast1');
    await beatWhere('that it is well', ({ asterisk }) => asterisk === 'up');
  });

  it('tells the death of Asterisk until it is recorded, with the last fact', async () => {
    const dead = await life();
    const lastSeq = facts.at(-1)?.seq;
    await lab.kill('ast1');
    const gone = await eventually('the death', () => deaths[0]);
    expect(gone.incarnation).toBe(dead);
    expect(gone.lastFactSeq).toBeGreaterThanOrEqual(lastSeq ?? Infinity);
    await eventually('its last fact', () => facts.at(-1)?.seq === gone.lastFactSeq);
    await eventually('the death to be told again', () => deaths.length >= 3);
    const unanswered = deaths.length;
    recording = true;
    await eventually('an answered death', () => deaths.length > unanswered);
    await beatWhere('that it is down', (beat) => beat.asterisk === 'down' && beat.incarnation === dead);
    const told = deaths.length;
    await lab.start('ast1');
    const next = await life();
    await beatWhere('of the next life', (beat) => beat.asterisk === 'up' && beat.incarnation === next);
    await factWhere('NodeSynced', ({ incarnation }) => incarnation === next);
    expect(next).not.toBe(dead);
    expect(deaths.length).toBe(told);
  });

  it('kills the life that it is asked to kill, and no other, and none that is well', async () => {
    const incarnation = await life();
    const ask = (wanted: string) => {
      const request = { type: 'Fence', nodeId: 'ast1', incarnation: wanted, requestedBy: 'test' };
      return bus.request(subjects.fence('ast1'), request, fenceReply, 10_000);
    };
    expect(await ask('1000')).toMatchObject({ fenced: false });
    expect(await ask(incarnation)).toMatchObject({ fenced: false });
    await ari.asterisk.ping(5_000);
    await lab.hang('ast1');
    expect(await ask(incarnation)).toMatchObject({ fenced: true, incarnation });
    expect(await ask(incarnation)).toMatchObject({ fenced: true, incarnation });
    await eventually('the death', () => deaths.some((gone) => gone.incarnation === incarnation));
  });
});
