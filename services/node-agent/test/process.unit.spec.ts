import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AsteriskProcess, killProcess } from '../src/process/asterisk-process.js';
import { untilOver } from '../src/process/life.js';
import { identify, readPidFile, startedAt, stateOf, type ProcessIdentity } from '../src/process/proc.js';

let directory: string;
let child: ChildProcess | undefined;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'reinvite-'));
});
afterEach(() => child?.kill('SIGKILL'));
afterAll(() => rm(directory, { recursive: true }));

async function sleeper(): Promise<ProcessIdentity> {
  const started = spawn('sleep', ['600'], { stdio: 'ignore' });
  child = started;
  await new Promise((resolve) => started.once('spawn', resolve));
  const identity = identify(started.pid ?? 0);
  if (identity === undefined) throw new Error('the child is not there');
  return identity;
}

async function pidFile(content: string): Promise<string> {
  const file = path.join(directory, 'pid');
  await writeFile(file, content);
  return file;
}

describe('a process', () => {
  it('is alive, and also while it is stopped', async () => {
    const target = await sleeper();
    expect(stateOf(target)).toBe('alive');
    process.kill(target.pid, 'SIGSTOP');
    expect(stateOf(target)).toBe('alive');
  });

  it('is alive no more in the moment in which it is killed', async () => {
    const target = await sleeper();
    killProcess(target);
    expect(stateOf(target)).not.toBe('alive');
    expect(await untilOver(target, 5_000)).toBe(true);
  });

  it('is gone while it waits as a zombie for its parent', async () => {
    const target = await sleeper();
    process.kill(target.pid, 'SIGKILL');
    // This turn of the event loop does not end, so the child is not reaped.
    for (const end = performance.now() + 5_000; stateOf(target) !== 'gone' && performance.now() < end;);
    expect(stateOf(target)).toBe('gone');
    expect(identify(target.pid)).toBeDefined();
  });

  it('is gone when its pid belongs to a process that started at another time; that one is not killed', async () => {
    const living = await sleeper();
    const former = { pid: living.pid, startTicks: living.startTicks - 1 };
    expect(stateOf(former)).toBe('gone');
    killProcess(former);
    expect(stateOf(living)).toBe('alive');
  });
});

describe('a pid file', () => {
  it.each([
    ['12\n', 12],
    ['', undefined],
    ['0', undefined],
    ['-1', undefined],
    ['twelve', undefined],
  ])('that holds %j names %j', async (content, pid) => {
    expect(readPidFile(await pidFile(content))).toBe(pid);
  });

  it('that is not there names none', () => {
    expect(readPidFile(path.join(directory, 'none'))).toBeUndefined();
  });
});

describe('the local Asterisk', () => {
  it('is the process of an incarnation only when both started together', async () => {
    const target = await sleeper();
    const asterisk = new AsteriskProcess(await pidFile(`${target.pid}`));
    const started = startedAt(target);
    expect(asterisk.ofIncarnation(String(started + 800))).toEqual(target);
    expect(asterisk.ofIncarnation(String(started - 60_000))).toBeUndefined();
    expect(asterisk.ofIncarnation(String(started + 3_600_000))).toBeUndefined();
    expect(asterisk.sighted()).toBe('alive');
  });

  it('is dead when the pid file names a process that is gone, and unknown without a pid file', async () => {
    const target = await sleeper();
    const asterisk = new AsteriskProcess(await pidFile(`${target.pid}`));
    killProcess(target);
    expect(asterisk.sighted()).toBe('dead');
    expect(new AsteriskProcess(undefined).sighted()).toBe('unknown');
  });
});
