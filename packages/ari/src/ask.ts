import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { AriAccess } from './access.js';
import { asteriskInfo, type AsteriskInfo } from './model.js';
import { requestError } from './request.js';

/**
 * Asks an Asterisk once who it is, without a WebSocket: whether it answers at all, and in which life.
 * @throws CodedError `ARI_UNREACHABLE` also after `timeoutMs`, `ARI_UNAUTHORIZED`, `ARI_NOT_FOUND`, `ARI_REQUEST_FAILED`.
 */
export async function askAsterisk(access: AriAccess, timeoutMs: number): Promise<AsteriskInfo> {
  const what = 'asterisk.getInfo';
  let response: IncomingMessage;
  let body: string;
  try {
    response = await get(new URL('/ari/asterisk/info', access.url), access, timeoutMs);
    body = await text(response);
  } catch (error) {
    throw requestError(what, error);
  }
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw requestError(what, { status, message: body });
  try {
    return asteriskInfo.parse(JSON.parse(body));
  } catch {
    throw requestError(what, { status, message: 'this is no ARI' });
  }
}

/** On a connection of its own: that Asterisk still takes new ones is part of the answer. */
function get(url: URL, { username, password, ca }: AriAccess, timeoutMs: number): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const signal = AbortSignal.timeout(Math.ceil(timeoutMs));
  const auth = `${username}:${password}`;
  return new Promise((resolve, reject) => {
    send(url, { auth, ca, signal, agent: false, headers: { connection: 'close' } })
      .once('response', resolve)
      .once('error', reject)
      .end();
  });
}
