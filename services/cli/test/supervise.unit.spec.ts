import { setTimeout as delay } from 'node:timers/promises';
import { aborted, codedError, createLogger, parseConfig, type Service } from '@reinvite/runtime';
import { describe, expect, it, onTestFinished } from 'vitest';
import { supervise, type Supervised } from '../src/supervise.js';

const config = parseConfig({
  nats: { servers: ['nats://127.0.0.1:4222'] },
  postgres: { url: 'postgres://127.0.0.1/reinvite' },
  nodes: [
    {
      id: 'ast1',
      sipAddresses: ['10.0.0.11'],
      ari: { url: 'http://10.0.0.11:8088', username: 'reinvite', password: 'x' },
    },
  ],
});

/** Services that write down when they stop. */
function cast(...names: readonly string[]): { stopped: string[]; services: Supervised[] } {
  const stopped: string[] = [];
  const service =
    (name: string): Service =>
    async ({ signal }) => {
      await aborted(signal);
      stopped.push(name);
    };
  return { stopped, services: names.map((name) => ({ name, service: service(name) })) };
}

const start = (services: readonly Supervised[], signal: AbortSignal, stopTimeoutMs = 5_000): Promise<void> =>
  supervise(services, { config, signal, createLogger: () => createLogger('test', 'silent'), stopTimeoutMs });

describe('supervise', () => {
  it('stops the services one after the other in their order when the process is asked to stop', async () => {
    const { stopped, services } = cast('agent', 'sentinel', 'recovery');
    const process = new AbortController();
    const done = start(services, process.signal);
    process.abort();
    await done;
    expect(stopped).toEqual(['agent', 'sentinel', 'recovery']);
  });

  it('has a service listen to its signal at as many places as it likes, without a warning', async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const service: Service = async ({ signal }) => {
      for (let place = 0; place < 50; place += 1) signal.addEventListener('abort', () => place);
      await delay(1);
    };
    await expect(start([{ name: 'busy', service }], new AbortController().signal)).rejects.toThrow(
      /SERVICE_ENDED/,
    );
    expect(warnings).toEqual([]);
  });

  it('stops the others and fails when one of them fails', async () => {
    const { stopped, services } = cast('agent', 'recovery');
    const failing = {
      name: 'sentinel',
      service: async () => Promise.reject(codedError('LISTEN_FAILED', 'port in use')),
    };
    await expect(start([...services, failing], new AbortController().signal)).rejects.toThrow(
      /LISTEN_FAILED: port in use/,
    );
    expect(stopped).toEqual(['agent', 'recovery']);
  });

  it('takes a service that ends unasked for a failure', async () => {
    const idle = { name: 'idle', service: async () => undefined };
    await expect(start([idle], new AbortController().signal)).rejects.toThrow(/SERVICE_ENDED/);
  });

  it('does not take the reason of the stop for a failure', async () => {
    const process = new AbortController();
    const service: Service = async ({ signal }) => {
      await aborted(signal);
      signal.throwIfAborted();
    };
    const done = start([{ name: 'waiting', service }], process.signal);
    process.abort();
    await expect(done).resolves.toBeUndefined();
  });

  it('goes on to the next when one does not stop in time', async () => {
    const { stopped, services } = cast('last');
    const process = new AbortController();
    const done = start(
      [{ name: 'stuck', service: () => new Promise(() => undefined) }, ...services],
      process.signal,
      20,
    );
    process.abort();
    await done;
    expect(stopped).toEqual(['last']);
  });
});
