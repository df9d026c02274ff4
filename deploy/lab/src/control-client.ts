import { once } from 'node:events';
import { connect } from 'node:net';
import { codedError } from '@reinvite/runtime';
import { readLines, sendLine } from './lines.js';
import { labPaths } from './paths.js';
import { controlReply, type ControlRequest } from './protocol.js';

/**
 * Sends one command to a running lab and gives its result.
 * @throws CodedError the lab's own refusal, or `LAB_NOT_RUNNING` when nobody listens.
 */
export async function ask(name: string, request: ControlRequest): Promise<unknown> {
  const socket = connect(labPaths(name).control);
  try {
    await once(socket, 'connect');
  } catch (cause) {
    throw codedError('LAB_NOT_RUNNING', `there is no lab "${name}"`, { name }, cause);
  }
  try {
    sendLine(socket, request);
    for await (const reply of readLines(socket, controlReply)) {
      if (reply.ok) return reply.result;
      throw codedError(reply.code, reply.message);
    }
  } finally {
    socket.destroy();
  }
  throw codedError('LAB_NOT_RUNNING', `lab "${name}" ended before it answered`, { name });
}
