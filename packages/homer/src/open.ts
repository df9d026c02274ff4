import { readFile } from 'node:fs/promises';
import { codedError, type Config, type Logger } from '@reinvite/runtime';
import { Homer11, HOMER11_LOGIN } from './api/homer11.js';
import { Homer7, HOMER7_LOGIN } from './api/homer7.js';
import { placingAt } from './capture/placing.js';
import { readCredentials } from './credentials.js';
import { HomerSource } from './homer-source.js';
import { HomerSession } from './session.js';

/**
 * The HOMER that the configuration names, of either version. Nothing is asked of it yet.
 * @throws CodedError `CONFIG_INVALID` where there is none, `CONFIG_UNREADABLE` for a secret or certificate that cannot be
 * read.
 */
export async function openHomer(
  config: Pick<Config, 'homer' | 'nodes'>,
  log: Logger,
  signal: AbortSignal,
): Promise<HomerSource> {
  const { homer: settings, nodes } = config;
  if (settings === undefined) throw codedError('CONFIG_INVALID', 'homer: nothing says where HOMER is');
  const isSeven = settings.version === 7;
  const session = new HomerSession({
    settings,
    credentials: await readCredentials(settings),
    login: isSeven ? HOMER7_LOGIN : HOMER11_LOGIN,
    ca: settings.caFile === undefined ? undefined : await readCertificate(settings.caFile),
  });
  const api = isSeven ? new Homer7(session) : new Homer11(session);
  return new HomerSource({ api, place: placingAt(nodes), settings, log, signal });
}

async function readCertificate(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw codedError('CONFIG_UNREADABLE', `homer.caFile: cannot read ${file}`, { file }, cause);
  }
}
