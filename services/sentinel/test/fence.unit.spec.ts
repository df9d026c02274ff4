import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { codedError, createLogger } from '@reinvite/runtime';
import { eventually, testDirectory } from '@reinvite/test-support';
import { describe, expect, it } from 'vitest';
import { fenceNode, type FenceOptions } from '../src/fence.js';

const log = createLogger('test', 'silent');

/** An agent that answers so, or not at all. */
function agent(reply: object | undefined): FenceOptions['bus'] {
  return {
    request: async (subject, _message, schema) => {
      if (reply === undefined) throw codedError('REQUEST_TIMEOUT', `no answer on ${subject}`);
      return schema.parse(reply);
    },
  };
}

/** A killed process may wait as a zombie until somebody takes its exit code. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const fence = (
  reply: object | undefined,
  script?: string,
  more: Partial<FenceOptions> = {},
): ReturnType<typeof fenceNode> =>
  fenceNode('ast1', 'A', {
    bus: agent(reply),
    log,
    timeoutMs: 5_000,
    command: script === undefined ? undefined : [process.execPath, '-e', script],
    stillNeeded: async () => true,
    signal: new AbortController().signal,
    ...more,
  });

describe('fenceNode', () => {
  it('is done when the agent confirms that very life', async () => {
    await expect(
      fence(
        { fenced: true, incarnation: 'A', reason: 'killed', lastFactSeq: 9, factsComplete: true },
        'process.exit(1)',
      ),
    ).resolves.toEqual({
      kind: 'fenced',
      by: 'agent',
      told: { lastFactSeq: 9, factsComplete: true },
    });
  });

  it('hands on how long ago the agent had seen it end', async () => {
    const reply = { fenced: true, incarnation: 'A', reason: 'its process is gone', agoMs: 60_000 };
    await expect(fence(reply)).resolves.toMatchObject({ kind: 'fenced', agoMs: 60_000 });
  });

  it('does not take the end of another life for a confirmation', async () => {
    await expect(fence({ fenced: true, incarnation: 'B', reason: 'killed' })).resolves.toMatchObject({
      kind: 'fence-failed',
    });
  });

  it('runs the command when the agent does not answer, with the node’s name and its life filled in', async () => {
    const script = 'process.exit("{nodeId} {incarnation}" === "ast1 A" ? 0 : 1)';
    await expect(fence(undefined, script)).resolves.toEqual({
      kind: 'fenced',
      by: 'command',
      told: null,
    });
  });

  it.each([
    ['fails', 'process.exit(3)', /REQUEST_TIMEOUT.*exit code 3/],
    ['is killed', 'process.kill(process.pid, "SIGKILL")', /command: /],
  ])('is not confirmed by a command that %s', async (_how, script, reason) => {
    const result = await fence(undefined, script);
    expect(result).toMatchObject({ kind: 'fence-failed', reason: expect.stringMatching(reason) as string });
  });

  it('is not confirmed by a command that takes too long, or that is not there', async () => {
    await expect(fence(undefined, 'setInterval(() => {}, 1000)', { timeoutMs: 100 })).resolves.toMatchObject({
      reason: expect.stringContaining('timed out') as string,
    });
    await expect(fence(undefined, '', { command: ['/nowhere/fence', '{nodeId}'] })).resolves.toMatchObject({
      kind: 'fence-failed',
    });
  });

  it('does not wait for what a command has left behind, and ends that with it', async () => {
    const directory = testDirectory('fence-');
    const pidFile = path.join(directory, 'pid');
    const script = `sleep 600 & echo $! > ${pidFile}; wait`;
    const command = ['bash', '-c', script];
    await expect(fence(undefined, '', { command, timeoutMs: 1_500 })).resolves.toMatchObject({
      reason: expect.stringContaining('timed out') as string,
    });
    const pid = Number(await readFile(pidFile, 'utf8'));
    await eventually('the end of the grandchild', () => !isRunning(pid));
  }, 60_000);

  it('does not wait for the output of what a command has left running', async () => {
    const command = ['bash', '-c', 'sleep 60 & echo $!; exit 0'];
    await expect(fence(undefined, '', { command, timeoutMs: 50_000 })).resolves.toMatchObject({
      kind: 'fenced',
    });
  }, 40_000);

  it('ends a command when the sentinel is stopped', async () => {
    const stop = new AbortController();
    const command = ['bash', '-c', 'sleep 600 & wait'];
    const result = fence(undefined, '', { command, timeoutMs: 500_000, signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(result).resolves.toMatchObject({ kind: 'fence-failed' });
  }, 60_000);

  it('leaves a node alone that is well again', async () => {
    await expect(
      fence(undefined, 'process.exit(0)', { stillNeeded: async () => false }),
    ).resolves.toMatchObject({
      kind: 'fence-failed',
    });
  });
});
