import { createLogger } from '@reinvite/runtime';
import { beforeEach, describe, expect, it } from 'vitest';
import { Commands } from '../src/commands.js';
import { FactStream } from './fact-stream.js';
import { command, pair } from './restore-commands.js';

const elsewhere = { target: 'ast9' };

describe('a command for a node that is not configured here', () => {
  let commands: Commands;
  let stream: FactStream;
  let clock: number;

  beforeEach(() => {
    stream = new FactStream();
    clock = 0;
    commands = new Commands({
      bus: stream.bus,
      targets: new Map(),
      answerTimeoutMs: 5_000,
      log: createLogger('test', 'silent'),
      now: () => clock,
      closing: new AbortController().signal,
    });
  });

  it('is refused at once where nobody can have begun it', async () => {
    await commands.handle(command({ ...pair, ...elsewhere }), 1);
    expect(stream.refusals()).toMatchObject([
      { target: 'ast9', legId: 'leg-c1', reason: 'TARGET_UNREACHABLE', sent: false },
      { target: 'ast9', legId: 'leg-c2', reason: 'TARGET_UNREACHABLE', sent: false },
    ]);
  });

  it('is left to a worker that knows the node where nobody would try it elsewhere', async () => {
    const onlyHangsUp = command({ legs: [], hangUp: ['trunk'], ...elsewhere });
    await expect(commands.handle(onlyHangsUp, 1)).rejects.toMatchObject({ code: 'ARI_UNREACHABLE' });
  });

  it('is left to a worker that knows the node, for as long as that makes sense', async () => {
    const unreachable = { code: 'ARI_UNREACHABLE', class: 'retryable' };
    await expect(commands.handle(command(elsewhere), 2)).rejects.toMatchObject(unreachable);
    expect(stream.facts).toEqual([]);
    clock = 6_001;
    await commands.handle(command(elsewhere), 3);
    expect(stream.refusals()).toMatchObject([{ reason: 'OUTCOME_UNKNOWN', sent: true }]);
  });
});
