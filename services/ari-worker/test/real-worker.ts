import { connectAri, type AriConnection } from '@reinvite/ari';
import { Bus } from '@reinvite/bus';
import { restoreFact, type RestoreFact } from '@reinvite/domain';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger, parseConfig } from '@reinvite/runtime';
import { ariWorker } from '../src/ari-worker.js';

const log = createLogger('test', 'silent');

/** An ari-worker for the one Asterisk of a lab, and the application `demo` there. */
export interface RealWorker {
  readonly lab: Lab;
  readonly bus: Bus;
  readonly demo: AriConnection;
  stop(): Promise<void>;
}

/** @param tell is called with each fact that the worker tells. */
export async function startRealWorker(tell: (fact: RestoreFact) => void): Promise<RealWorker> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const lab = await startLab({ nodes: 1, reinvite: false });
  const address = lab.info.hosts['ast1']?.address ?? '';
  const { username, password } = lab.info.ari['ast1'] ?? { username: '', password: '' };
  const ari = { url: `http://${address}:8088`, username, password };
  const config = parseConfig({
    nats: { servers: [lab.info.nats] },
    postgres: { url: lab.info.postgres },
    nodes: [{ id: 'ast1', sipAddresses: [address], ari }],
    recovery: { attemptTimeoutMs: 15_000 },
  });
  const demo = connectAri({ ...ari, app: 'demo', subscribeAll: true, log, signal });
  await demo.whenUp();
  const bus = await Bus.connect({ servers: [lab.info.nats], name: 'test', log, signal });
  let upTo = 0;
  void bus.tail({
    stream: 'restoreFacts',
    schema: restoreFact,
    after: async () => upTo,
    maxBatch: 10,
    handler: async (batch) => {
      for (const { seq, message } of batch) {
        tell(message);
        upTo = seq;
      }
    },
  });
  const worker = ariWorker({ config, log, signal });
  return {
    ...{ lab, bus, demo },
    stop: async () => {
      stopping.abort(new Error('stopped'));
      await worker;
      await bus.close();
      await lab.down();
    },
  };
}
