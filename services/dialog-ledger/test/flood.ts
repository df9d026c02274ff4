import { Worker } from 'node:worker_threads';

/**
 * Sends a datagram again and again, from a thread of its own: so many that some always wait to be read, and, where it is
 * told how many were, so few that the receiver's buffer holds them.
 */
export class Flood {
  private constructor(
    private readonly worker: Worker,
    private readonly read: Int32Array,
  ) {}

  /** @param ahead datagrams that are sent and not read yet, at most. */
  static async start(datagram: Buffer, port: number, ahead = Infinity): Promise<Flood> {
    const read = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(
      `const { workerData: { datagram, port, ahead, read }, parentPort } = require('node:worker_threads');
       const socket = require('node:dgram').createSocket('udp4');
       let sent = 0;
       const send = () => {
         if (sent - Atomics.load(read, 0) >= ahead) return void setImmediate(send);
         socket.send(datagram, port, '127.0.0.1', () => {
           if (sent++ === 0) parentPort.postMessage('begun');
           send();
         });
       };
       send();`,
      { eval: true, workerData: { datagram, port, ahead, read } },
    );
    await new Promise((resolve) => worker.once('message', resolve));
    return new Flood(worker, read);
  }

  /** To be called for each datagram of the flood that was read. */
  wasRead(): void {
    Atomics.add(this.read, 0, 1);
  }

  /** The same, where the receiver counts them: how many it has read by now. */
  hasRead(count: number): void {
    Atomics.store(this.read, 0, count);
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}
