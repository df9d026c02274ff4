import { asteriskInfo, type AsteriskInfo } from './model.js';
import { requestError } from './request.js';
import type { AriOptions } from './options.js';

/** How to reach the ARI of one Asterisk, without an application. */
export type AriAccess = Pick<AriOptions, 'url' | 'username' | 'password'>;

/**
 * Asks an Asterisk once who it is, without a WebSocket: whether it answers at all, and in which life.
 * @throws CodedError `ARI_UNREACHABLE` also after `timeoutMs`, `ARI_UNAUTHORIZED`, `ARI_NOT_FOUND`, `ARI_REQUEST_FAILED`.
 */
export async function askAsterisk(
  { url, username, password }: AriAccess,
  timeoutMs: number,
): Promise<AsteriskInfo> {
  const what = 'asterisk.getInfo';
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  let response: Response;
  let body: string;
  try {
    response = await fetch(new URL('/ari/asterisk/info', url), {
      headers: { authorization, connection: 'close' },
      signal: AbortSignal.timeout(Math.ceil(timeoutMs)),
    });
    body = await response.text();
  } catch (error) {
    throw requestError(what, error instanceof TypeError ? error.cause : error);
  }
  if (!response.ok) throw requestError(what, { status: response.status, message: body });
  try {
    return asteriskInfo.parse(JSON.parse(body));
  } catch {
    throw requestError(what, { status: response.status, message: 'this is no ARI' });
  }
}
