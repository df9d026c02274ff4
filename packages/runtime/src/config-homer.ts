import { z } from 'zod';
import { httpUrl } from './config-url.js';

const ms = z.number().int().positive();

/**
 * Where dialogs are looked up: in the ledger's table, in HOMER, or in HOMER what the ledger lacks. With `homer` alone no
 * dialog-ledger is needed.
 */
export const dialogSources = z
  .strictObject({
    sources: z.enum(['ledger', 'homer', 'ledger+homer']).default('ledger'),
    /**
     * With `ledger+homer`: whether HOMER is asked, once the recoveries have begun, also for dialogs of which the ledger was
     * sure, so that the audit has what the two do not say alike.
     */
    compare: z.boolean().default(true),
  })
  .prefault({});

/** How HOMER is asked. docs/homer.md tells what follows from each number. */
export const homer = z
  .strictObject({
    /** 7: the v3 API of homer-app. 11: the v4 API. */
    version: z.union([z.literal(7), z.literal(11)]),
    /** Without the `/api/…`; an API prefix belongs to it. */
    url: httpUrl,
    /** A user, or a token that the operator made (`Auth-Token`, where HOMER's token access is enabled). */
    username: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    passwordFile: z.string().min(1).optional(),
    authToken: z.string().min(1).optional(),
    authTokenFile: z.string().min(1).optional(),
    /** HOMER 7: the header in which it looks for the token (`auth_settings.token_header`). */
    authTokenHeader: z
      .string()
      .regex(/^[A-Za-z0-9-]+$/)
      .default('Auth-Token'),
    /** PEM file of the authority that signed HOMER's certificate, where the system does not know it. */
    caFile: z.string().min(1).optional(),
    /**
     * HOMER is not believed earlier after the last thing that can have happened: its own flush time (`DBTimer` of
     * heplify-server, 4 s unless set) and 2 s.
     */
    settleMs: ms.default(6_000),
    /** What HOMER has not told by then it could not tell. Counts from the question. */
    deadlineMs: ms.default(15_000),
    /** Between two questions for the same calls. */
    pollMs: ms.default(500),
    requestTimeoutMs: ms.default(5_000),
    /** Call-IDs in one request; HOMER 11 looks at no more than 50. */
    batchSize: z.number().int().min(1).max(50).default(20),
    /** Requests in flight. */
    concurrency: z.number().int().min(1).max(64).default(4),
    /** How far back the messages of a call are looked for whose beginning is not known: one that was recovered before. */
    lookbackMs: ms.default(86_400_000),
  })
  .refine(hasOneCredential, 'either username with password or passwordFile, or authToken or authTokenFile')
  .refine(
    ({ settleMs, deadlineMs, pollMs }) => deadlineMs > settleMs + pollMs,
    'deadlineMs must be more than settleMs + pollMs: nothing would ever settle',
  );

interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly authToken?: string | undefined;
  readonly authTokenFile?: string | undefined;
}

function hasOneCredential(given: Credentials): boolean {
  const { username, password, passwordFile, authToken, authTokenFile } = given;
  const passwords = count(password, passwordFile);
  const tokens = count(authToken, authTokenFile);
  return username === undefined ? tokens === 1 && passwords === 0 : passwords === 1 && tokens === 0;
}

function count(...values: readonly (string | undefined)[]): number {
  return values.filter((value) => value !== undefined).length;
}
