import type { FenceReply, FenceRequest } from '@reinvite/domain';
import type { SimulatedBus } from './client.js';

/** A connection that says of every fence that it has been done, and asks nobody: for the runs that are to fail. */
export function wronglyFenced(bus: SimulatedBus): SimulatedBus {
  const request = (subject: string, message: unknown, ...rest: unknown[]): unknown => {
    const { type, incarnation } = message as FenceRequest;
    const done: FenceReply = { fenced: true, incarnation, reason: 'said so', lastFactSeq: null };
    if (type === 'Fence') return Promise.resolve(done);
    return (bus.request as (...all: unknown[]) => unknown).call(bus, subject, message, ...rest);
  };
  return new Proxy(bus, {
    get: (target, name) => {
      if (name === 'request') return request;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
