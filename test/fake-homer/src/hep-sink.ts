import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { decodeHep } from '@reinvite/sip';
import type { FakeHomer } from './fake-homer.js';

/** Hands every HEP packet that comes to this UDP address to the fake; what is none is left out. */
export async function hepSink(fake: FakeHomer, host: string, port: number): Promise<Socket> {
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: 4 * 1024 * 1024,
  });
  socket.on('message', (packet) => {
    try {
      fake.add(decodeHep(packet));
    } catch {
      process.stderr.write('a packet that is no HEP\n');
    }
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  return socket;
}
