import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { isCoded } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterEach, describe, expect, it } from 'vitest';
import { dropsOf } from '../src/kernel-drops.js';
import { listen, type Listener, type ListenOptions } from '../src/listener.js';
import { AST1, callTo, hep, log, PHONE } from './captures.js';
import { Flood } from './flood.js';

const packet = (callId: string): Buffer => hep(PHONE, AST1, callTo(AST1, callId).invite);
const MEBIBYTE = 1024 * 1024;

describe('listening for captures', () => {
  let listener: Listener;
  let packets: Buffer[] = [];
  let senders = new Set<string>();
  let dropped: string[] = [];
  const open: { destroy(): void }[] = [];
  let onPacket = (): void => undefined;
  let isOfUse: (one: Buffer) => boolean = () => true;

  async function start(but: Partial<ListenOptions> = {}): Promise<{ udp: number; tcp: number }> {
    const transports = ['udp', 'tcp'] as const;
    const limits = { receiveBufferBytes: 4 * MEBIBYTE, maxConnections: 100 };
    listener = await listen(
      { host: '127.0.0.1', port: 0, transports, ...limits, ...but },
      {
        packet: (one, sender) => {
          packets.push(one);
          senders.add(sender);
          onPacket();
          return isOfUse(one);
        },
        dropped: (error) => dropped.push(isCoded(error) ? error.code : 'not coded'),
        log,
      },
    );
    return { udp: listener.ports.udp ?? 0, tcp: listener.ports.tcp ?? 0 };
  }
  afterEach(async () => {
    for (const one of open.splice(0)) one.destroy();
    await listener.close();
    packets = [];
    senders = new Set();
    dropped = [];
    onPacket = (): void => undefined;
    isOfUse = () => true;
  });

  async function connected(port: number, host = '127.0.0.1'): Promise<Socket> {
    const socket = connect(port, host);
    socket.on('error', () => undefined);
    open.push(socket);
    await once(socket, 'connect');
    return socket;
  }
  async function sendUdp(all: readonly Buffer[], port: number, host = '127.0.0.1'): Promise<void> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    await Promise.all(all.map((one) => new Promise((resolve) => socket.send(one, port, host, resolve))));
    socket.close();
  }
  const cameIn = (count: number): Promise<unknown> =>
    eventually(`${count} packets`, () => packets.length === count);
  const isClosed = (socket: Socket): Promise<unknown> =>
    eventually('the connection to be closed', () => socket.destroyed);

  it('hears UDP and TCP, over IPv4 and IPv6', async () => {
    const ports = await start({ host: '::' });
    for (const host of ['127.0.0.1', '::1']) {
      await sendUdp([packet('u')], ports.udp, host);
      (await connected(ports.tcp, host)).write(packet('t'));
    }
    await cameIn(4);
    expect([...senders].sort()).toEqual(['::1', '::ffff:127.0.0.1']);
  });

  it('puts the packets of many connections together, however they are cut', async () => {
    const { tcp } = await start();
    const sockets = await Promise.all(Array.from({ length: 60 }, () => connected(tcp)));
    const streams = sockets.map((_, index) =>
      Buffer.concat(Array.from({ length: 5 }, (_, nth) => packet(`c-${index}-${nth}`))),
    );
    for (let offset = 0; offset < 4_000; offset += 97) {
      sockets.forEach((socket, index) => socket.write(streams[index]?.subarray(offset, offset + 97) ?? ''));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await cameIn(300);
    const texts = new Set(packets.map((one) => /Call-ID: (\S+)/.exec(one.toString('latin1'))?.[1]));
    expect(texts.size).toBe(300);
    expect(dropped).toEqual([]);
  });

  it('closes a connection whose stream is none of HEP, and hears the others', async () => {
    const { tcp } = await start();
    const [foreign, good] = [await connected(tcp), await connected(tcp)];
    foreign.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await isClosed(foreign);
    good.write(packet('c1'));
    await cameIn(1);
    expect(dropped).toEqual(['HEP_UNSUPPORTED']);
    expect(listener.connections).toBe(1);
  });

  it('counts a connection that ends inside a packet', async () => {
    const { tcp } = await start();
    (await connected(tcp)).end(packet('c1').subarray(0, 50));
    await eventually('it to be counted', () => dropped.length === 1);
    expect(dropped).toEqual(['HEP_TORN']);
    expect(listener.connections).toBe(0);
  });

  it('closes a connection that does not end a packet that it has begun, and no quiet one', async () => {
    const { tcp } = await start({ packetLimitMs: 50 });
    const [slow, quiet] = [await connected(tcp), await connected(tcp)];
    quiet.write(packet('c1'));
    slow.write(packet('c2').subarray(0, 50));
    await isClosed(slow);
    expect(dropped).toEqual(['HEP_CONNECTION_REFUSED']);
    quiet.write(packet('c3'));
    await cameIn(2);
  });

  it('has one that sent nothing make room, and refuses one too many', async () => {
    const { tcp } = await start({ maxConnections: 2 });
    const [useful, useless] = [await connected(tcp), await connected(tcp)];
    useful.write(packet('c1'));
    await cameIn(1);
    const other = await connected(tcp);
    await isClosed(useless);
    other.write(packet('c2'));
    await cameIn(2);
    await isClosed(await connected(tcp));
    expect(dropped).toEqual(['HEP_CONNECTION_REFUSED', 'HEP_CONNECTION_REFUSED']);
    useful.write(packet('c3'));
    await cameIn(3);
  });

  it('has those make room that sent packets of no use, however many', async () => {
    isOfUse = (one) => !one.includes('Call-ID: rubbish');
    const { tcp } = await start({ maxConnections: 3 });
    const useful = await connected(tcp);
    useful.write(packet('c1'));
    const useless = [await connected(tcp), await connected(tcp)];
    for (const one of useless) one.write(Buffer.concat([packet('rubbish'), packet('rubbish')]));
    await cameIn(5);
    const others = await Promise.all([connected(tcp), connected(tcp)]);
    await Promise.all(useless.map(isClosed));
    for (const one of [useful, ...others]) one.write(packet('c2'));
    await cameIn(8);
    expect(dropped).toEqual(['HEP_CONNECTION_REFUSED', 'HEP_CONNECTION_REFUSED']);
    expect(listener.connections).toBe(3);
  });

  it('is drained when what had arrived is handed over, while more and more comes in', async () => {
    const { udp, tcp } = await start();
    const sender = await connected(tcp);
    const flooded = packet('flood');
    const flood = await Flood.start(flooded, udp, 500);
    onPacket = () => {
      spin(0.05);
      if (packets.at(-1)?.equals(flooded) === true) flood.wasRead();
    };
    const ours = Array.from({ length: 50 }, (_, index) => packet(`ours-${index}`));
    const seen = (): number => packets.filter((one) => one.includes('Call-ID: ours-')).length;
    for (let round = 1; round <= 20; round += 1) {
      sender.write(Buffer.concat(ours.slice(0, 25)));
      await sendUdp(ours.slice(25), udp);
      await listener.drained(10_000);
      expect(seen()).toBe(round * 50);
    }
    await flood.stop();
  });

  it('is drained over TCP alone, each connection for itself', async () => {
    const { tcp } = await start({ transports: ['tcp'] });
    const sockets = await Promise.all(Array.from({ length: 5 }, () => connected(tcp)));
    for (let round = 1; round <= 20; round += 1) {
      const written = sockets.map((socket, index) => {
        const all = Array.from({ length: 20 }, (_, nth) => packet(`c-${round}-${index}-${nth}`));
        // The last of them is torn: it has not arrived.
        const bytes = Buffer.concat(all);
        return new Promise((resolve) => {
          socket.write(bytes.subarray(0, -9));
          void listener.drained(10_000).then(() => {
            resolve(packets.filter((one) => one.includes(`Call-ID: c-${round}-${index}-`)).length);
            socket.write(bytes.subarray(-9));
          });
        });
      });
      expect(await Promise.all(written)).toEqual([19, 19, 19, 19, 19]);
      await listener.drained(10_000);
      expect(packets).toHaveLength(round * 100);
    }
  });

  it('says that it is behind where it cannot be drained in time', async () => {
    const { udp } = await start();
    onPacket = () => spin(5);
    await sendUdp(
      Array.from({ length: 100 }, (_, index) => packet(`c-${index}`)),
      udp,
    );
    await expect(listener.drained(10)).rejects.toMatchObject({ code: 'LEDGER_BEHIND' });
    onPacket = (): void => undefined;
    await listener.drained(10_000);
    expect(packets).toHaveLength(100);
  });

  it('knows how much the kernel dropped', async () => {
    const { udp } = await start({ receiveBufferBytes: 64 * 1024 });
    expect(await listener.kernelDrops()).toBe(0);
    const flood = await Flood.start(packet('flood'), udp);
    await eventually('the kernel to drop some', async () => {
      spin(50);
      return ((await listener.kernelDrops()) ?? 0) > 0;
    });
    await flood.stop();
  });

  it('says so when a port is taken, and holds none then', async () => {
    const { tcp } = await start({ transports: ['tcp'] });
    const sockets = { host: '127.0.0.1', port: tcp, receiveBufferBytes: MEBIBYTE, maxConnections: 1 };
    const intake = { packet: () => true, dropped: () => undefined, log };
    const failed = listen({ ...sockets, transports: ['udp', 'tcp'] }, intake);
    await expect(failed).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    const alone = await listen({ ...sockets, transports: ['udp'] }, intake);
    await alone.close();
  });
});

describe("the kernel's table of sockets", () => {
  const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  303: 0100007F:2364 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 12
  304: 0500000A:2364 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 3
  305: 00000000:2365 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 9
`;
  it('tells the drops of a port', () => {
    expect(dropsOf(table, 9060)).toBe(15);
    expect(dropsOf(table, 9061)).toBe(9);
    expect(dropsOf(table, 5060)).toBeNull();
  });
});

/** Keeps the processor busy, as work on a packet does. */
function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
