import { Commands, Target } from '@reinvite/ari-worker/logic';
import { restoreCall } from '@reinvite/domain';
import { SimulatedAri } from '../asterisk/connection.js';
import { SimulatedBus } from '../bus/client.js';
import { Process } from '../world/process.js';
import { LEFT_SHARE, type Services } from './services.js';

const CALLS_IN_FLIGHT = 2_048;
const ACK_WAIT_MS = 1_500;

/** An ari-worker: the real commands and targets, on simulated connections. */
export function startWorker({ world, nats, nodes, config, wrong }: Services, name: string): Process {
  const process = new Process(world, name, name);
  const { log, signal } = process;
  const bus = new SimulatedBus(process, nats);
  const targets = new Map(
    [...nodes].map(([nodeId, node]) => {
      const ari = new SimulatedAri(process, node).connection;
      return [nodeId, new Target({ nodeId, ari, concurrency: config.ariWorker.concurrency, log })];
    }),
  );
  const commands = new Commands({
    bus,
    targets,
    answerTimeoutMs: config.recovery.attemptTimeoutMs,
    log,
    now: Date.now,
    closing: signal,
  });
  void bus.consume({
    stream: 'restoreCommands',
    durable: 'ari-worker',
    schema: restoreCall,
    maxInFlight: CALLS_IN_FLIGHT,
    ackWaitMs: ACK_WAIT_MS,
    handler: (command, { attempt }) => {
      if (wrong.commandsDropped && world.random.chance(LEFT_SHARE)) return Promise.resolve();
      if (!wrong.originateAgain) return commands.handle(command, attempt);
      // Another name for every delivery, and for its channels: nothing knows that it was done before.
      const again = `${command.commandId}.${attempt}`;
      const legs = command.legs.map((leg) =>
        attempt === 1 ? leg : { ...leg, channelId: `${leg.channelId}.${attempt}` },
      );
      return commands.handle({ ...command, commandId: attempt === 1 ? command.commandId : again, legs }, 1);
    },
  });
  return process;
}
