import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { isCoded } from '@reinvite/runtime';
import { readLines, sendLine } from '../lines.js';
import { messageOf } from '../messages.js';
import { controlRequest, type ControlReply, type ControlRequest } from '../protocol.js';
import type { Operations } from './operations.js';

/** Serves commands on a Unix socket: one request and one reply for each connection. */
export async function serveControl(file: string, operations: Operations, down: () => void): Promise<void> {
  const server = createServer((socket) => {
    // A peer that goes away in the middle of its command has nothing to be told.
    socket.on('error', () => socket.destroy());
    void answer(socket, operations).then((request) => {
      if (request?.op === 'down') down();
    });
  });
  server.listen(file);
  await once(server, 'listening');
}

async function answer(socket: Socket, operations: Operations): Promise<ControlRequest | undefined> {
  try {
    for await (const request of readLines(socket, controlRequest)) {
      reply(socket, { ok: true, result: await carryOut(request, operations) });
      await once(socket, 'close');
      return request;
    }
  } catch (error) {
    const code = isCoded(error) ? error.code : 'LAB_REQUEST_INVALID';
    reply(socket, { ok: false, code, message: messageOf(error) });
  }
  return undefined;
}

async function carryOut(request: ControlRequest, operations: Operations): Promise<unknown> {
  if (request.op === 'down') return null;
  if (request.op === 'status') return operations.status();
  return operations.perform(request.op, request.target, request.from);
}

function reply(socket: Socket, message: ControlReply): void {
  if (socket.writable) sendLine(socket, message);
  socket.end();
}
