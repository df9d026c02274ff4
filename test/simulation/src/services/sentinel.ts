import type { Bus } from '@reinvite/bus';
import { nodeEvent, type NodeEvent } from '@reinvite/domain';
import { Outbox } from '@reinvite/event-store';
import type { NodeConfig } from '@reinvite/runtime';
import { watchNodes } from '@reinvite/sentinel/logic';
import type { Node } from '../asterisk/node.js';
import { SimulatedBus } from '../bus/client.js';
import { wronglyFenced } from '../bus/wrong-fence.js';
import { SimulatedEventStore, simulatedOutboxRows } from '../store/events.js';
import { call, Process } from '../world/process.js';
import { fenceCommandOf } from './fence-command.js';
import { LEFT_SHARE, type Services } from './services.js';

const OWN_SUBJECTS = 'reinvite.node.down.';

/** Of a sentinel without patience, which asks no other. */
const HASTY = {
  sentinels: 1,
  suspectAfterMs: 100,
  suspectWithinMs: 100,
  hangAfterMs: 50,
  fenceAfterMs: 10,
} as const;

/** A sentinel: its real composition, on simulated connections. */
export function startSentinel(services: Services, name: string): Process {
  const { world, nats, postgres, nodes, config, wrong } = services;
  const process = new Process(world, name, name);
  const { log, signal } = process;
  const hasty = { ...(wrong.noPatience ? HASTY : {}), ...(wrong.noMajority ? { sentinels: 1 } : {}) };
  const own = { ...config, sentinel: { ...config.sentinel, sentinelId: name, ...hasty } };
  const bus = new SimulatedBus(process, nats);
  const isLeft = (): boolean => wrong.noRelay && world.random.chance(LEFT_SHARE);
  const outbox = new Outbox({
    pool: simulatedOutboxRows(process, postgres, OWN_SUBJECTS),
    publish: (m) =>
      isLeft() ? Promise.reject(new Error('left behind')) : bus.publishDurable(m.subject, m.message, m.id),
    log,
  });
  const run = watchNodes(
    { config: own, log, signal },
    {
      bus: (wrong.noFence ? wronglyFenced(bus) : bus) as unknown as Bus,
      store: new SimulatedEventStore<NodeEvent>(process, postgres, nodeEvent, wrong),
      outbox: {
        publishNow: (messages) => outbox.publishNow(messages),
        run: (until) => (wrong.noRelay ? Promise.resolve() : outbox.run(until)),
      },
      open: async () => undefined,
      ask: async (node, timeoutMs) => () => ask(process, nodes, node, timeoutMs),
      mono: process.mono,
      runCommand: fenceCommandOf(process, services),
    },
  );
  run.catch((error: unknown) => {
    if (process.alive) world.trace.note(name, `ended: ${String(error)}`);
  });
  return process;
}

/** @returns the life that the node's Asterisk says it is in. */
function ask(
  process: Process,
  nodes: ReadonlyMap<string, Node>,
  { id }: Pick<NodeConfig, 'id'>,
  timeoutMs: number,
): Promise<string | undefined> {
  return call<string | undefined>(process, {
    to: id,
    stream: 'ask',
    serve: () => {
      const life = nodes.get(id)?.life;
      const answers = life?.isAlive() === true && !life.hung;
      return answers ? life.incarnation : new Promise<undefined>(() => undefined);
    },
    timeoutMs,
    timeout: () => new Error('no answer'),
  }).catch(() => undefined);
}
