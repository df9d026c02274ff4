import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Behaviour } from './behaviour.js';

/** Who may ask. */
export interface Account {
  readonly username: string;
  readonly password: string;
  /** Token that the operator made; none where token access is not enabled. */
  readonly authToken?: string;
}

export type Access = 'granted' | 'missing' | 'invalid';

/** Logins and tokens. */
export class Accounts {
  private readonly tokens = new Map<string, number>();
  logins = 0;

  constructor(
    private readonly account: Account,
    private readonly behaviour: Behaviour,
  ) {}

  /** @returns a token, null for wrong credentials. */
  login(body: unknown): string | null {
    const { username, password } = body as Partial<Account>;
    if (username !== this.account.username || password !== this.account.password) return null;
    this.logins += 1;
    const token = randomUUID();
    this.tokens.set(token, Date.now() + this.behaviour.tokenLifetimeMs);
    return token;
  }

  /** All tokens have run out from now on. */
  expireAll(): void {
    this.tokens.clear();
  }

  access(headers: IncomingHttpHeaders): Access {
    const key = headers['auth-token'];
    if (key !== undefined && this.account.authToken !== undefined && key === this.account.authToken)
      return 'granted';
    const [, token] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? [];
    if (token === undefined) return 'missing';
    return (this.tokens.get(token) ?? 0) > Date.now() ? 'granted' : 'invalid';
  }
}
