import { createLogger } from '@reinvite/runtime';
import {
  makeCertificates,
  startNats,
  type Certificates,
  type NatsServer,
  testDirectory,
} from '@reinvite/test-support';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectOptions } from '../src/access.js';
import { Bus } from '../src/bus.js';

const TLS = 'tls { cert_file: "@DIR@/server.pem", key_file: "@DIR@/server.key" }';

describe('NATS behind TLS', () => {
  const log = createLogger('test', 'silent');
  const servers: NatsServer[] = [];
  let plain: NatsServer;
  let named: NatsServer;
  const ownFiles = testDirectory('reinvite-tls-');
  let ours: Certificates;
  let host: string;

  async function behind({ cert, key }: Certificates): Promise<NatsServer> {
    const server = await startNats({ config: TLS, files: { 'server.pem': cert, 'server.key': key } });
    servers.push(server);
    return server;
  }

  beforeAll(async () => {
    plain = await startNats({ config: '', files: {} });
    servers.push(plain);
    host = new URL(plain.url).hostname;
    ours = await makeCertificates(ownFiles, /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`);
    named = await behind(ours);
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
  });

  const attempt = async (server: NatsServer, tls: { caFile?: string } | undefined) => {
    const options = await connectOptions({ servers: [server.url], tls });
    const connection = await connect({ ...options, reconnect: false });
    await connection.close();
  };

  it('is connected to with the authority that signed its certificate for this address', async () => {
    const signal = new AbortController().signal;
    const tls = { caFile: ours.caFile };
    const bus = await Bus.connect({ servers: [named.url], tls, name: 'test', log, signal });
    await expect(bus.streamState('nodeEvents')).resolves.toMatchObject({ lastSeq: 0 });
    await bus.close();
  });

  it('is not trusted with another authority, or for another address', async () => {
    await expect(attempt(named, undefined)).rejects.toThrow(/self-signed|unable to|certificate/i);
    await expect(attempt(named, {})).rejects.toThrow(/self-signed|unable to|certificate/i);
    const theirs = await makeCertificates(testDirectory('reinvite-tls-'), 'DNS:elsewhere.example');
    await expect(attempt(named, { caFile: theirs.caFile })).rejects.toThrow(
      /self-signed|unable to|certificate/i,
    );
  });

  it('is not trusted where its certificate is for somebody else, though the authority is right', async () => {
    const other = await makeCertificates(
      testDirectory('reinvite-tls-'),
      'DNS:elsewhere.example',
      'IP:192.0.2.1',
    );
    const server = await behind(other);
    await expect(attempt(server, { caFile: other.caFile })).rejects.toThrow(/altnames|does not match/i);
  });

  it('is insisted on: a server without it is refused', async () => {
    await expect(attempt(plain, { caFile: ours.caFile })).rejects.toThrow(/does not support 'tls'/);
  });
});
