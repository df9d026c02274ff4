import { codedError, readSecret, type HomerConfig } from '@reinvite/runtime';

/** Who we are to HOMER. Never logged, never part of an error. */
export type Credentials =
  | { readonly kind: 'user'; readonly username: string; readonly password: string }
  | { readonly kind: 'token'; readonly header: string; readonly token: string };

/**
 * The credentials that the configuration names.
 * @throws CodedError `CONFIG_UNREADABLE` for a file that cannot be read, `CONFIG_INVALID` for one that is empty.
 */
export async function readCredentials(settings: HomerConfig): Promise<Credentials> {
  const { username, password, passwordFile, authToken, authTokenFile, authTokenHeader } = settings;
  if (username === undefined) {
    const token = await readSecret('homer.authToken', authToken, authTokenFile);
    return { kind: 'token', header: authTokenHeader, token: notEmpty('homer.authToken', token) };
  }
  const secret = await readSecret('homer.password', password, passwordFile);
  return { kind: 'user', username, password: notEmpty('homer.password', secret) };
}

function notEmpty(what: string, secret: string): string {
  if (secret === '') throw codedError('CONFIG_INVALID', `${what}: the file is empty`);
  return secret;
}
