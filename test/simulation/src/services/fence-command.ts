import { setTimeout as delay } from 'node:timers/promises';
import type { CommandEnd } from '@reinvite/sentinel/logic';
import type { Process } from '../world/process.js';
import type { Services } from './services.js';

/** As it stands in the configuration of a run that has one. */
export const FENCE_COMMAND = ['fence', '{nodeId}', '{incarnation}'] as const;

/** What comes of one run of the command. Exit code 0 means that the life is dead, whatever else fails. */
type Course = 'kills' | 'powers-off' | 'fails' | 'hangs' | 'kills-late' | 'fails-late';

const COURSES: Readonly<Record<Course, number>> = {
  kills: 4,
  'powers-off': 2,
  fails: 2,
  hangs: 1,
  'kills-late': 1,
  'fails-late': 1,
};

const TAKES_MS = [30, 1_500] as const;
/** After the sentinel has given it up. */
const LATE_MS = [100, 2_000] as const;

/** The hypervisor, or whatever ends a node from outside. It does not need the network of the run. */
export function fenceCommandOf(process: Process, { world, nodes, agents, majorityOf }: Services) {
  const { random, time, trace } = world;
  return async (
    _program: string,
    [nodeId = '', incarnation = '']: readonly string[],
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<CommandEnd> => {
    const node = nodes.get(nodeId);
    if (node === undefined) return { exitCode: 2, timedOut: false, output: 'no such node' };
    const killing = {
      by: 'command',
      begunAt: time.now,
      troubleAt: node.troubles.askAt,
      majorityAt: majorityOf(process.name),
    } as const;
    const end = (): void => node.lifeOf(incarnation)?.kill(killing);
    const course = random.weighted(COURSES);
    const takesMs = random.int(...TAKES_MS);
    trace.note(process.name, `fence command for ${nodeId} ${incarnation}: ${course}`);
    switch (course) {
      case 'kills':
      case 'powers-off':
        time.later(takesMs - 10, () => {
          end();
          if (course === 'kills' || node.life?.isAlive() === true) return;
          node.machine.lose();
          agents.lose(nodeId);
        });
        break;
      case 'kills-late':
        time.later(timeoutMs + random.int(...LATE_MS), () => end());
        break;
      case 'fails':
      case 'hangs':
      case 'fails-late':
        break;
    }
    const isTimedOut = course === 'hangs' || course === 'kills-late';
    const ownMs = course === 'fails-late' ? timeoutMs - 20 : takesMs;
    await delay(isTimedOut ? timeoutMs : ownMs, undefined, { signal }).catch(() => undefined);
    const exitCode = course === 'kills' || course === 'powers-off' ? 0 : 1;
    return { exitCode: isTimedOut ? undefined : exitCode, timedOut: isTimedOut, output: course };
  };
}
