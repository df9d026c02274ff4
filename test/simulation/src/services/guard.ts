import { leaseWatch, type Processes, type StartedGuard } from '@reinvite/node-agent/logic';
import type { Node } from '../asterisk/node.js';
import { Process } from '../world/process.js';

const LOOK_MS = 50;
const BOOT_MS = [30, 120] as const;

/** Starts a lease guard beside the agent: a process of its own, with the real watch. */
export function startGuard(agent: Process, node: Node, name: string, processes: Processes): StartedGuard {
  const { world, host } = agent;
  const { owner } = world.time;
  const guard = new Process(world, `guard-${name.slice(0, 8)}-${node.id}`, host);
  world.time.owner = owner;
  const { guards, leaseStore } = node.machine;
  guards.add(guard);
  let isAttended = true;
  const ready: (() => void)[] = [];
  const ends: ((why: string) => void)[] = [];
  agent.onKilled(() => (isAttended = false));
  guard.onKilled(() => {
    guards.delete(guard);
    world.time.later(
      1,
      agent.whileAlive(() => ends.forEach((tell) => tell('killed'))),
    );
  });
  const watch = leaseWatch(name, {
    read: () => leaseStore.read(),
    processes,
    mono: guard.mono,
    isAttended: () => isAttended,
    end: () => guard.kill(),
  });
  const begin = (): void => {
    watch();
    if (!guard.alive) return;
    const timer = setInterval(watch, LOOK_MS);
    guard.onKilled(() => clearInterval(timer));
    world.time.later(
      1,
      agent.whileAlive(() => ready.forEach((tell) => tell())),
    );
  };
  world.time.later(world.random.int(...BOOT_MS), guard.whileAlive(begin));
  return {
    onReady: (listener) => ready.push(listener),
    onEnd: (listener) => ends.push(listener),
    letGo: () => (isAttended = false),
  };
}
