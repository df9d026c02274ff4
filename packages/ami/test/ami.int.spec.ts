import { createLogger } from '@reinvite/runtime';
import { startLab, type Lab } from '@reinvite/lab';
import { eventually } from '@reinvite/test-support';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAmi, type AmiConnection, type AmiPacket } from '../src/index.js';

const log = createLogger('test', 'silent');
const PIPE = `const s = require('node:net').connect(5038, '127.0.0.1'); process.stdin.pipe(s).pipe(process.stdout)`;

describe('the manager interface of a real Asterisk', () => {
  let lab: Lab;
  let ami: AmiConnection;
  const stop = new AbortController();
  const events: AmiPacket[] = [];

  /** It listens on the node's own loopback: a socket of this machine is joined to it from within. */
  async function tunnel(): Promise<number> {
    const server = createServer((socket) => {
      const inside = lab.spawn('ast1', [process.execPath, '-e', PIPE], {
        files: 'machine',
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      if (inside.stdin === null || inside.stdout === null) throw new TypeError('spawned without pipes');
      inside.stdin.on('error', () => undefined);
      socket.on('error', () => undefined).on('close', () => inside.kill('SIGKILL'));
      inside.on('exit', () => socket.destroy());
      socket.pipe(inside.stdin);
      inside.stdout.pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stop.signal.addEventListener('abort', () => server.close());
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  beforeAll(async () => {
    lab = await startLab({ nodes: 1, reinvite: false });
    const port = await tunnel();
    const secret = lab.info.ari['ast1']?.password ?? '';
    ami = connectAmi({ host: '127.0.0.1', port, username: 'reinvite', secret, log, signal: stop.signal });
    ami.on('event', (event) => events.push(event));
    await eventually('the login', () => ami.isUp);
  });
  afterAll(async () => {
    stop.abort(new Error('stopped'));
    await lab.down();
  });

  it('gives the lists that the agent asks for', async () => {
    expect((await ami.ask('QueueStatus')).listed.map((packet) => packet['Event'])).toContain('QueueParams');
    expect((await ami.ask('ParkedCalls')).listed).toEqual([]);
    await expect(ami.ask('ConfbridgeListRooms')).rejects.toThrow(/AMI_REQUEST_FAILED.*conferences/);
  });

  it('may not do what the agent has no need of', async () => {
    await expect(ami.ask('Command', { Command: 'core stop now' })).rejects.toThrow(/AMI_REQUEST_FAILED/);
    await expect(ami.ask('Originate', { Channel: 'Local/echo@from-edge' })).rejects.toThrow(
      /AMI_REQUEST_FAILED/,
    );
  });

  it('tells of a channel in a conference, and of nothing that nobody asked for', async () => {
    await lab.exec('ast1', [
      'asterisk',
      '-rx',
      'channel originate Local/conf-x@from-edge application Wait 60',
    ]);
    const join = await eventually('the join', () =>
      events.find((event) => event['Event'] === 'ConfbridgeJoin'),
    );
    expect(join).toMatchObject({ Conference: 'x', Admin: 'No', Muted: 'No' });
    const { listed } = await ami.ask('ConfbridgeList', { Conference: 'x' });
    expect(listed[0]).toMatchObject({ Uniqueid: join['Uniqueid'], MarkedUser: 'No', WaitMarked: 'No' });
    expect(new Set(events.map((event) => event['Event']))).not.toContain('Newchannel');
  });
});
