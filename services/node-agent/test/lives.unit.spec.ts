import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@reinvite/runtime';
import type { FenceReply } from '@reinvite/domain';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FactStream } from '../src/calls/fact-stream.js';
import { CallPicture } from '../src/calls/picture.js';
import { fence } from '../src/fence.js';
import { AsteriskProcess } from '../src/process/asterisk-process.js';
import { untilOver, type Life } from '../src/process/life.js';
import { Lives } from '../src/process/lives.js';
import { identify, startedAt, stateOf, type ProcessIdentity } from '../src/process/proc.js';

const log = createLogger('test', 'silent');
let directory: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'reinvite-'));
});
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));
afterAll(() => rm(directory, { recursive: true }));

/** A process that stands for an Asterisk, named by the pid file. */
async function startProcess(pidFile: string): Promise<{ process: ProcessIdentity; incarnation: string }> {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  children.push(child);
  await new Promise((resolve) => child.once('spawn', resolve));
  const process = identify(child.pid ?? 0);
  if (process === undefined) throw new Error('the child is not there');
  await writeFile(pidFile, String(process.pid));
  return { process, incarnation: String(Math.round(startedAt(process))) };
}

async function startNode(nobodyListens = false) {
  const pidFile = path.join(directory, `pid-${Math.random()}`);
  const started = await startProcess(pidFile);
  const asterisk = new AsteriskProcess(pidFile);
  const over: string[] = [];
  const signal = new AbortController().signal;
  const lives = new Lives({
    process: asterisk,
    newLife: (info, process): Life => {
      const picture = new CallPicture('ast1', info.incarnation);
      const facts = new FactStream({
        publish: async ({ type }) => (type === 'LegGone' ? 8 : 7),
        newId: () => 'id',
        now: () => 1,
        lingerMs: 0,
        current: () => picture.facts(),
        nodeId: 'ast1',
        incarnation: info.incarnation,
        log,
        signal,
      });
      facts.resync();
      return { info, process, picture, facts };
    },
    onOver: (life) => over.push(life.info.incarnation),
    log,
    signal,
  });
  const meet = (incarnation: string): Life =>
    lives.meet({ entityId: '', version: '22', startedAt: Number(incarnation), incarnation });
  const ask = (incarnation: string, nodeId = 'ast1'): Promise<FenceReply> =>
    fence(
      { type: 'Fence', nodeId, incarnation, requestedBy: 'test' },
      {
        nodeId: 'ast1',
        lives,
        process: asterisk,
        isWell: async () => false,
        nobodyListens: async () => nobodyListens,
        log,
      },
    );
  return { ...started, pidFile, lives, over, meet, ask };
}

describe('the lives of an Asterisk', () => {
  it('are over when the process is, which is told once', async () => {
    const { process: target, incarnation, lives, over, meet } = await startNode();
    meet(incarnation);
    lives.look();
    expect(over).toEqual([]);
    process.kill(target.pid, 'SIGKILL');
    lives.look();
    lives.look();
    expect(over).toEqual([incarnation]);
    expect(lives.isCurrentOver).toBe(true);
  });

  it('go on when the connection comes back to the same life', async () => {
    const { incarnation, meet } = await startNode();
    expect(meet(incarnation)).toBe(meet(incarnation));
  });

  it('are not said to be over where the pid file names another process', async () => {
    const { process: target, incarnation, lives, over, meet } = await startNode();
    const elsewhere = String(Number(incarnation) + 3_600_000);
    expect(meet(elsewhere).process).toBeUndefined();
    process.kill(target.pid, 'SIGKILL');
    lives.look();
    expect(over).toEqual([]);
  });

  it('end with the former one told when a new one is met first', async () => {
    const { process: target, incarnation, pidFile, over, meet } = await startNode();
    meet(incarnation);
    process.kill(target.pid, 'SIGKILL');
    await untilOver(target, 5_000);
    const next = await startProcess(pidFile);
    const later = String(Number(next.incarnation) + 5);
    expect(meet(later).process).toEqual(next.process);
    expect(over).toEqual([incarnation]);
  });
});

describe('a fence', () => {
  it('kills the life that it names, and says so again when asked again', async () => {
    const { process: target, incarnation, over, meet, ask } = await startNode();
    meet(incarnation);
    expect(await ask(incarnation)).toMatchObject({ fenced: true, incarnation, lastFactSeq: 7 });
    expect(stateOf(target)).not.toBe('alive');
    expect(over).toEqual([incarnation]);
    expect(await ask(incarnation)).toMatchObject({ fenced: true, incarnation });
  });

  it('says how long ago a life had ended, where that was before', async () => {
    const { process: target, incarnation, lives, meet, ask } = await startNode();
    meet(incarnation);
    process.kill(target.pid, 'SIGKILL');
    await untilOver(target, 5_000);
    lives.look();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { agoMs } = await ask(incarnation);
    expect(agoMs).toBeGreaterThanOrEqual(99);
    const well = await startNode();
    well.meet(well.incarnation);
    expect(await well.ask(well.incarnation)).not.toHaveProperty('agoMs');
  });

  it('has the last facts told that lie in the receive buffer still', async () => {
    const { incarnation, meet, ask } = await startNode();
    const { facts } = meet(incarnation);
    await facts.flush(5_000);
    const asked = ask(incarnation);
    const gone = { type: 'LegGone', nodeId: 'ast1', incarnation, at: 1, channelId: '1', cause: 16 } as const;
    setImmediate(() => facts.offer([gone]));
    expect(await asked).toMatchObject({ fenced: true, lastFactSeq: 8, factsComplete: true });
  });

  it('kills a hung life that this agent never spoke to, by the start of its process', async () => {
    const { process: target, incarnation, ask } = await startNode();
    process.kill(target.pid, 'SIGSTOP');
    expect(await ask(incarnation)).toMatchObject({ fenced: true, incarnation });
    expect(stateOf(target)).not.toBe('alive');
  });

  it.each([
    ['of another node', 0, 'ast2'],
    ['of a former life', -3_600_000, 'ast1'],
    ['of a later life', 3_600_000, 'ast1'],
  ])('%s kills nobody', async (_, ms, nodeId) => {
    const { process: target, incarnation, meet, ask } = await startNode();
    meet(incarnation);
    expect(await ask(String(Number(incarnation) + ms), nodeId)).toMatchObject({ fenced: false });
    expect(stateOf(target)).toBe('alive');
  });

  it('of an unknown life is confirmed only where no Asterisk is, neither as a process nor on its port', async () => {
    for (const [nobodyListens, fenced] of [
      [true, true],
      [false, false],
    ] as const) {
      const { process: target, ask } = await startNode(nobodyListens);
      expect(await ask('1000')).toMatchObject({ fenced: false });
      process.kill(target.pid, 'SIGKILL');
      await untilOver(target, 5_000);
      expect(await ask('1000')).toMatchObject({ fenced });
    }
  });
});
