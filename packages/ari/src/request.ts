import { codedError, type CodedError } from '@reinvite/runtime';
import { z } from 'zod';

/** What a failed operation of the library carries: an HTTP status, or the code of a socket's error. */
const failure = z.object({
  status: z.number().optional(),
  code: z.string().optional(),
  message: z.string().default(''),
});

/** Socket errors after which the request cannot have reached Asterisk. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

/** The certificate was refused in the handshake, before anything is sent. */
const UNTRUSTED = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_CERT_)/;

/**
 * The coded error for a failed request. `ARI_UNREACHABLE` says in `details.maybeSent` whether Asterisk may have carried
 * the request out all the same; a 503 (still booting) counts as unreachable and never as sent.
 */
export function requestError(what: string, error: unknown): CodedError {
  const read = failure.safeParse(error);
  const { status = 0, code, message: answer } = read.success ? read.data : { message: String(error) };
  const message = plainText(answer);
  const details = { request: what, status, answer: message };
  switch (status) {
    case 0:
      return codedError(
        'ARI_UNREACHABLE',
        `${what}: ${code ?? message}`,
        { ...details, maybeSent: !NEVER_SENT.has(code ?? '') && !UNTRUSTED.test(code ?? '') },
        error,
      );
    case 401:
    case 403:
      return codedError('ARI_UNAUTHORIZED', `${what}: Asterisk answered ${status}`, details, error);
    case 404:
      return codedError('ARI_NOT_FOUND', `${what}: ${message}`, details, error);
    case 409:
      return codedError('ARI_CONFLICT', `${what}: ${message}`, details, error);
    case 503:
      return codedError(
        'ARI_UNREACHABLE',
        `${what}: Asterisk is not ready`,
        { ...details, maybeSent: false },
        error,
      );
    default:
      return codedError(
        'ARI_REQUEST_FAILED',
        `${what}: Asterisk answered ${status}: ${message}`,
        details,
        error,
      );
  }
}

/** Asterisk's HTTP server answers with a page of HTML where ARI does not answer itself. */
function plainText(answer: string): string {
  const title = /<title>([^<]*)<\/title>/i.exec(answer)?.[1];
  return (title ?? answer).trim().slice(0, 500);
}

/** Runs one operation of ARI: the resource (`channels`), the operation's name in Asterisk's API description, its parameters. */
export type Caller = <T>(
  resource: string,
  operation: string,
  parameters: Readonly<Record<string, unknown>>,
  answer: z.ZodType<T>,
  timeoutMs?: number,
) => Promise<T>;

/** For operations that answer 204. */
export const nothing = z.unknown().transform(() => undefined);

/** Rejects with `ARI_UNREACHABLE` (`maybeSent: true`) when there is no answer within `timeoutMs`. */
export async function withDeadline<T>(what: string, work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          codedError('ARI_UNREACHABLE', `${what}: no answer within ${timeoutMs} ms`, {
            request: what,
            status: 0,
            maybeSent: true,
          }),
        ),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
