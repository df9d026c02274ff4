import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { isCoded, type HomerConfig } from '@reinvite/runtime';
import { Agent } from 'node:https';
import pRetry from 'p-retry';
import type { Credentials } from './credentials.js';
import { answerInvalid, errorOf, unreachable } from './errors.js';

/** How a version of HOMER takes a user and a password, and where its answer has the token. */
export interface Login {
  readonly path: string;
  /** @returns null where there is no token in it. */
  readonly tokenOf: (answer: unknown) => string | null;
}

export interface SessionOptions {
  readonly settings: Pick<HomerConfig, 'url' | 'requestTimeoutMs'>;
  readonly credentials: Credentials;
  readonly login: Login;
  /** PEM of a further authority to trust. */
  readonly ca?: string | undefined;
}

interface Ticket {
  readonly headers: Readonly<Record<string, string>>;
  /** A query has been answered with it: from then on a refusal means that its time is over. */
  proved: boolean;
}

/** More than the messages of 50 long calls; an answer beyond it is not read to its end. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const RETRIES = 3;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;

/**
 * Sends queries to one HOMER: with a token that is fetched when it is first needed and renewed when it is refused, again
 * after a failure that may pass, and with errors that hold no credential.
 */
export class HomerSession {
  private readonly http: AxiosInstance;
  private ticket: Ticket | null = null;
  private fetching: Promise<Ticket> | null = null;

  constructor(private readonly options: SessionOptions) {
    const { settings, ca } = options;
    this.http = axios.create({
      baseURL: settings.url.replace(/\/+$/, ''),
      timeout: settings.requestTimeoutMs,
      maxRedirects: 0,
      maxContentLength: MAX_ANSWER_BYTES,
      validateStatus: () => true,
      ...(ca === undefined ? {} : { httpsAgent: new Agent({ ca }) }),
    });
  }

  /**
   * Posts a query and gives what was answered, parsed as JSON and not looked at.
   * @throws CodedError `HOMER_*`: retryable ones after they have been retried, terminal ones at once; the signal's reason
   * when it aborts.
   */
  query(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    return pRetry(() => this.once(path, body, signal), {
      retries: RETRIES,
      minTimeout: RETRY_MIN_MS,
      maxTimeout: RETRY_MAX_MS,
      randomize: true,
      signal,
      shouldRetry: ({ error }) => isCoded(error) && error.class === 'retryable',
    });
  }

  private async once(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const ticket = await this.currentTicket();
    const answer = await this.post(path, body, ticket, signal);
    if (!this.isOver(answer.status, ticket)) return accepted(path, answer, ticket);
    // Another query may have renewed it meanwhile.
    if (this.ticket === ticket) this.ticket = null;
    const fresh = await this.currentTicket();
    return accepted(path, await this.post(path, body, fresh, signal), fresh);
  }

  /**
   * Whether the ticket has run out. Some versions of HOMER 7 answer a missing token with 400, which is also what they
   * answer when their database is away: so it counts only for a ticket that has been good before.
   */
  private isOver(status: number, ticket: Ticket): boolean {
    if (this.options.credentials.kind === 'token') return false;
    return status === 401 || (status === 400 && ticket.proved);
  }

  /** All queries that wait for a ticket wait for the same one. */
  private currentTicket(): Promise<Ticket> {
    if (this.ticket !== null) return Promise.resolve(this.ticket);
    this.fetching ??= this.fetchTicket().finally(() => {
      this.fetching = null;
    });
    return this.fetching;
  }

  private async fetchTicket(): Promise<Ticket> {
    const { credentials, login } = this.options;
    if (credentials.kind === 'token') {
      this.ticket = { headers: { [credentials.header]: credentials.token }, proved: false };
      return this.ticket;
    }
    const { username, password } = credentials;
    // Not the signal of one query: others may be waiting for the same ticket.
    const answer = await this.post(login.path, { username, password }, null, undefined);
    const error = errorOf(answer.status, login.path);
    if (error !== null) throw error;
    const token = login.tokenOf(answer.data);
    if (token === null) throw answerInvalid(login.path, 'no token in the answer');
    this.ticket = { headers: { Authorization: `Bearer ${token}` }, proved: false };
    return this.ticket;
  }

  private async post(
    path: string,
    body: unknown,
    ticket: Ticket | null,
    signal: AbortSignal | undefined,
  ): Promise<AxiosResponse<unknown>> {
    try {
      return await this.http.post<unknown>(path, body, {
        headers: { ...ticket?.headers },
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(path, error);
    }
  }
}

function accepted(path: string, answer: AxiosResponse<unknown>, ticket: Ticket): unknown {
  const error = errorOf(answer.status, path);
  if (error !== null) throw error;
  ticket.proved = true;
  return answer.data;
}
