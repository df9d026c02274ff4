import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { codedError, isCoded } from '@reinvite/runtime';
import { execa } from 'execa';
import { ask } from './control-client.js';
import { labName } from './options.js';
import { labPaths, RUN_DIRECTORY } from './paths.js';
import { labInfo, type LabInfo } from './protocol.js';

/** A busy machine takes its time to take down all the processes and mounts of a lab. */
const GONE_SECONDS = 120;

/**
 * True while any process of the lab lives: each holds the lab's lock. What a lab that was killed left in the file system
 * is removed, under the lock, so that a lab that is just starting is not touched.
 */
export async function isAlive(name: string): Promise<boolean> {
  const { lock, dir } = labPaths(name);
  await mkdir(path.dirname(lock), { recursive: true });
  const result = await execa('flock', ['--nonblock', '--conflict-exit-code', '75', lock, 'rm', '-rf', dir], {
    reject: false,
  });
  return result.exitCode === 75;
}

/** Resolves when no process of the lab is left, or after `seconds`; tells which. */
export async function waitGone(name: string, seconds: number): Promise<boolean> {
  const { lock } = labPaths(name);
  const result = await execa(
    'flock',
    ['--wait', String(seconds), '--conflict-exit-code', '75', lock, 'true'],
    { reject: false },
  );
  return result.exitCode === 0;
}

/**
 * What a running lab consists of.
 * @throws CodedError `LAB_NOT_RUNNING`.
 */
export async function readInfo(name: string): Promise<LabInfo> {
  const paths = labPaths(name);
  if (!(await isAlive(name))) throw codedError('LAB_NOT_RUNNING', `there is no lab "${name}"`, { name });
  try {
    return labInfo.parse(JSON.parse(await readFile(paths.state, 'utf8')));
  } catch (cause) {
    throw codedError('LAB_NOT_RUNNING', `lab "${name}" is not ready yet`, { name }, cause);
  }
}

/** Names of the running labs. */
export async function runningLabs(): Promise<string[]> {
  await mkdir(RUN_DIRECTORY, { recursive: true });
  const names = (await readdir(RUN_DIRECTORY)).filter((entry) => labName.safeParse(entry).success);
  const alive = await Promise.all(names.map(isAlive));
  return names.filter((_, index) => alive[index]);
}

/**
 * Ends a lab, in whatever state it is, and resolves when nothing of it is left. A lab that is not there is fine.
 * @throws CodedError `LAB_COMMAND_FAILED` when its processes do not go away.
 */
export async function endLab(name: string): Promise<{ wasRunning: boolean }> {
  const paths = labPaths(name);
  if (!(await isAlive(name))) return { wasRunning: false };
  try {
    await ask(name, { op: 'down' });
  } catch (error) {
    if (!isCoded(error, 'LAB_NOT_RUNNING')) throw error;
    // It does not listen: it is starting, or stuck. Its end is the end of all that it made.
    process.kill(Number(await readFile(paths.pid, 'utf8')), 'SIGKILL');
  }
  if (!(await waitGone(name, GONE_SECONDS)))
    throw codedError('LAB_COMMAND_FAILED', `lab "${name}" does not end`, { name });
  await isAlive(name);
  return { wasRunning: true };
}
