import { codedError, type CodedError } from '@reinvite/runtime';

/**
 * What an HTTP status of HOMER means, after the token has been renewed where that could help.
 * @returns null for an answer.
 */
export function errorOf(status: number, path: string): CodedError | null {
  if (status >= 200 && status < 300) return null;
  const details = { path, status };
  if (status === 401 || status === 403)
    return codedError('HOMER_UNAUTHORIZED', `${path} answers ${status}`, details);
  // A redirect is not followed: it would carry the token along.
  if (status === 404 || status === 405 || (status >= 300 && status < 400))
    return codedError('HOMER_API_MISSING', `${path} answers ${status}`, details);
  if (status === 502 || status === 503 || status === 504)
    return codedError('HOMER_UNREACHABLE', `${path} answers ${status}`, details);
  return codedError('HOMER_FAILED', `${path} answers ${status}`, details);
}

/**
 * No answer at all. The error of the HTTP client is not kept as cause: it holds the request with its token or password.
 */
export function unreachable(path: string, error: unknown): CodedError {
  const reason = codeOf(error);
  return codedError('HOMER_UNREACHABLE', `${path}: ${reason}`, { path, reason });
}

export function answerInvalid(path: string, why: string): CodedError {
  return codedError('HOMER_ANSWER_INVALID', `${path}: ${why}`, { path });
}

/** `ECONNREFUSED`, `ECONNABORTED` and the like. */
function codeOf(error: unknown): string {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'no answer';
}
