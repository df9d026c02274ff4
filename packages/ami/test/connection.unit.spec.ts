import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterEach, describe, expect, it } from 'vitest';
import { connectAmi } from '../src/index.js';

const log = createLogger('test', 'silent');
const GREETING = 'Asterisk Call Manager/11.0.0\r\n';

/** A manager interface that says what a test wants it to; the real one is asked in ami.int.spec.ts. */
async function manager(answer: (action: Record<string, string>, socket: Socket) => string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(GREETING);
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      rest += text;
      for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
        const action = Object.fromEntries(
          rest
            .slice(0, end)
            .split('\r\n')
            .map((line) => line.split(': ')),
        ) as Record<string, string>;
        rest = rest.slice(end + 4);
        socket.write(answer(action, socket));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('a connection to a manager interface', () => {
  const stop: (() => void)[] = [];
  afterEach(() => stop.splice(0).forEach((end) => end()));

  function connect(server: Server) {
    const ended = new AbortController();
    stop.push(
      () => ended.abort(),
      () => server.close(),
    );
    const { port } = server.address() as AddressInfo;
    return connectAmi({
      host: '127.0.0.1',
      port,
      username: 'u',
      secret: 'geheim',
      log,
      signal: ended.signal,
    });
  }

  it('does not send the secret, and comes back by itself', async () => {
    const said: string[] = [];
    const sockets: Socket[] = [];
    const ami = connect(
      await manager((action, socket) => {
        said.push(JSON.stringify(action));
        sockets.push(socket);
        const more = action['Action'] === 'Challenge' ? 'Challenge: 123\r\n' : '';
        return `Response: Success\r\nActionID: ${action['ActionID'] ?? ''}\r\n${more}\r\n`;
      }),
    );
    const states: string[] = [];
    ami.on('up', () => states.push('up'));
    ami.on('down', () => states.push('down'));
    await eventually('the first login', () => ami.isUp);
    sockets.forEach((socket) => socket.destroy());
    await eventually('the second login', () => states.join() === 'up,down,up');
    expect(said.join()).not.toContain('geheim');
  });

  it('ends a session in which nonsense comes, and fails what was asked in it', async () => {
    const ami = connect(
      await manager((action) => {
        if (action['Action'] === 'Ping') return 'x'.repeat(100_000);
        return `Response: Success\r\nActionID: ${action['ActionID'] ?? ''}\r\n\r\n`;
      }),
    );
    await eventually('a login', () => ami.isUp);
    await expect(ami.ask('Ping')).rejects.toThrow(/AMI_UNREACHABLE/);
    await eventually('another login', () => ami.isUp);
  });

  it('says what was refused', async () => {
    const ami = connect(
      await manager((action) => {
        const response = action['Action'] === 'Park' ? 'Error\r\nMessage: Permission denied' : 'Success';
        return `Response: ${response}\r\nActionID: ${action['ActionID'] ?? ''}\r\n\r\n`;
      }),
    );
    await eventually('a login', () => ami.isUp);
    await expect(ami.ask('Park')).rejects.toThrow(/AMI_REQUEST_FAILED.*Permission denied/);
  });
});
