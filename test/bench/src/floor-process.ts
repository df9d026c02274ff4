/** The least that a ledger could do: read datagrams, and decode their HEP headers. */
import { createSocket } from 'node:dgram';
import { decodeHep } from '@reinvite/sip';
import { answerReports } from './receiver-protocol.js';

let packets = 0;
const socket = createSocket({ type: 'udp4', recvBufferSize: 32 * 1024 * 1024 });
socket.on('message', (packet) => {
  packets += 1;
  decodeHep(packet);
});
socket.bind(0, '127.0.0.1', () => {
  const { port } = socket.address();
  answerReports(() => Promise.resolve({ port, packets, kernelDrops: null, callIds: 0 }));
  process.send?.('ready');
});
