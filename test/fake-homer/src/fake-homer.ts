import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Accounts, type Account } from './accounts.js';
import { errorV4, unauthorizedV4, type Answer } from './answers.js';
import { defaultBehaviour, type Behaviour } from './behaviour.js';
import { transaction } from './homer7.js';
import { messages } from './homer11.js';
import { Store, type Captured } from './store.js';

export interface FakeHomerOptions {
  /** Default: 127.0.0.1 and a port that the kernel chooses. */
  readonly host?: string;
  readonly port?: number;
  readonly behaviour?: Partial<Behaviour>;
  readonly account?: Account;
  /** PEM; with it HOMER is reached by `https` alone. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export const ACCOUNT: Account = {
  username: 'reinvite',
  password: 'homer-password',
  authToken: 'homer-auth-token',
};

/** One query, as it came. */
export interface Query {
  readonly path: string;
  readonly at: number;
  readonly body: unknown;
}

/**
 * Stands for HOMER 7 and HOMER 11, each at its own path: real HTTP, the shapes of their sources, and their failures. It is no
 * HOMER: it stores in memory and knows the requests that Reinvite makes.
 */
export class FakeHomer {
  readonly behaviour: Behaviour;
  readonly queries: Query[] = [];
  private readonly store: Store;
  private readonly accounts: Accounts;
  private readonly server: Server;
  private readonly scheme: 'http' | 'https';

  private constructor(options: FakeHomerOptions) {
    this.behaviour = { ...defaultBehaviour(), ...options.behaviour };
    this.store = new Store(this.behaviour);
    this.accounts = new Accounts(options.account ?? ACCOUNT, this.behaviour);
    const listener: RequestListener = (request, response) => {
      void this.answer(request).then((answer) => {
        if (answer === 'reset') return request.socket.destroy();
        const isText = typeof answer.body === 'string';
        response.writeHead(answer.status, { 'content-type': isText ? 'text/html' : 'application/json' });
        return response.end(isText ? answer.body : JSON.stringify(answer.body));
      });
    };
    this.scheme = options.tls === undefined ? 'http' : 'https';
    this.server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  }

  static async start(options: FakeHomerOptions = {}): Promise<FakeHomer> {
    const fake = new FakeHomer(options);
    fake.server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
    await once(fake.server, 'listening');
    return fake;
  }

  get url(): string {
    const { address, port, family } = this.server.address() as AddressInfo;
    return `${this.scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** How many logins there were. */
  get logins(): number {
    return this.accounts.logins;
  }

  /** Takes a captured message; it is visible later. */
  add(captured: Captured): void {
    this.store.add(captured);
  }

  expireTokens(): void {
    this.accounts.expireAll();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    const path = request.url ?? '';
    const body: unknown = JSON.parse((await text(request)) || '{}');
    if (this.behaviour.answerAfterMs > 0) await delay(this.behaviour.answerAfterMs);
    if (path === '/api/v3/auth') return this.loginV3(body);
    if (path === '/api/v4/auth/sessions') return this.loginV4(body);
    const isSeven = path === '/api/v3/call/transaction';
    if (!isSeven && path !== '/api/v4/transactions/messages')
      return { status: 404, body: { message: 'Not Found' } };
    this.queries.push({ path, at: Date.now(), body });
    const failure = this.behaviour.next.shift();
    if (failure !== undefined)
      return failure === 'reset' ? failure : { status: failure, body: `<html>${failure}</html>` };
    const access = this.accounts.access(request.headers);
    if (access !== 'granted') return isSeven ? this.refusedV3(access) : unauthorizedV4;
    return isSeven
      ? transaction(body, this.store, this.behaviour)
      : messages(body, this.store, this.behaviour);
  }

  private loginV3(body: unknown): Answer {
    const token = this.accounts.login(body);
    return token === null
      ? { status: 401, body: { statuscode: 401, message: 'incorrect password', error: 'Unauthorized' } }
      : {
          status: 201,
          body: { token, scope: 'e29fa4c4-0000-0000-0000-000000000000', user: { admin: false } },
        };
  }

  private loginV4(body: unknown): Answer {
    const token = this.accounts.login(body);
    return token === null
      ? errorV4(401, 'Unauthorized', 'Invalid credentials')
      : { status: 201, body: { data: { token, scope: 'user', user: { admin: false } }, meta: {} } };
  }

  private refusedV3(access: 'missing' | 'invalid'): Answer {
    return access === 'missing'
      ? { status: this.behaviour.missingTokenStatus, body: { message: 'missing or malformed jwt' } }
      : { status: this.behaviour.missingTokenStatus, body: { message: 'invalid or expired jwt' } };
  }
}
