import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { TLSSocket } from 'node:tls';
import { createLogger } from '@reinvite/runtime';
import { makeCertificates, type Certificates, testDirectory } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOpenToOthers } from '../src/address.js';
import { withPostgresErrors } from '../src/errors.js';
import { connectPool } from '../src/pool.js';

/** A server of Postgres as far as the login: it takes or refuses TLS (one byte), and keeps what it is told then. */
class Doorkeeper {
  readonly heard: string[] = [];
  private constructor(private readonly server: Server) {}

  static async start(tls?: Certificates): Promise<Doorkeeper> {
    const server = createServer();
    const keeper = new Doorkeeper(server);
    server.on('connection', (socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => {
        if (tls === undefined) return socket.end('N');
        socket.write('S');
        const { cert, key } = tls;
        const secure = new TLSSocket(socket, { isServer: true, cert, key });
        secure.on('error', () => socket.destroy());
        return secure.on('data', (chunk: Buffer) => {
          keeper.heard.push(chunk.toString('latin1'));
          secure.end();
        });
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return keeper;
  }

  url(query: string): string {
    return `postgres://reinvite:secret-of-postgres@127.0.0.1:${(this.server.address() as AddressInfo).port}/x?${query}`;
  }

  stop(): void {
    this.server.close();
  }
}

/** What comes of a query, once the pool has tried to connect. */
async function failureOf(url: string): Promise<unknown> {
  const pool = connectPool(url, { applicationName: 'test', log: createLogger('test', 'silent') });
  try {
    await withPostgresErrors(() => pool.query('select 1'));
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await pool.end();
  }
}

describe('Postgres behind TLS', () => {
  const ownFiles = testDirectory('reinvite-tls-');
  const theirFiles = testDirectory('reinvite-tls-');
  let ours: Certificates;
  let theirs: Certificates;
  const keepers: Doorkeeper[] = [];
  const keep = async (tls?: Certificates): Promise<Doorkeeper> => {
    const keeper = await Doorkeeper.start(tls);
    keepers.push(keeper);
    return keeper;
  };

  beforeAll(async () => {
    ours = await makeCertificates(ownFiles, 'IP:127.0.0.1');
    theirs = await makeCertificates(theirFiles, 'DNS:db.example', 'IP:192.0.2.1');
  });
  afterAll(() => keepers.forEach((keeper) => keeper.stop()));

  it('is logged in to where its certificate is for the address and from the authority', async () => {
    const keeper = await keep(ours);
    await failureOf(keeper.url(`sslmode=verify-full&sslrootcert=${ours.caFile}`));
    expect(keeper.heard.join('')).toContain('reinvite');
  });

  it.each([
    ['its authority is not known', 'ours', 'sslmode=verify-full'],
    ['its authority is another', 'ours', 'sslmode=verify-full&sslrootcert=THEIRS'],
    ['its certificate is for another host', 'theirs', 'sslmode=verify-full&sslrootcert=THEIRS'],
    ['it does not offer it', undefined, 'sslmode=verify-full&sslrootcert=OURS'],
  ])('is told nothing where %s', async (_what, whose, query) => {
    const keeper = await keep(whose === undefined ? undefined : whose === 'ours' ? ours : theirs);
    const url = keeper.url(query.replace('OURS', ours.caFile).replace('THEIRS', theirs.caFile));
    const failure = await failureOf(url);
    expect(failure).toMatchObject({ code: 'POSTGRES_UNREACHABLE', class: 'retryable' });
    expect(String(failure)).not.toContain('secret-of-postgres');
    expect(keeper.heard).toEqual([]);
  });

  it('is warned of where it is elsewhere and not verified', () => {
    expect(isOpenToOthers('postgres://a:b@10.0.0.5/x')).toBe(true);
    expect(isOpenToOthers('postgres://a:b@10.0.0.5/x?sslmode=no-verify')).toBe(true);
    expect(isOpenToOthers('postgres://a:b@10.0.0.5/x?sslmode=verify-full')).toBe(false);
    expect(isOpenToOthers('postgres://a:b@127.0.0.1/x')).toBe(false);
    expect(isOpenToOthers('postgres:///x?host=/run/postgresql')).toBe(false);
  });
});
