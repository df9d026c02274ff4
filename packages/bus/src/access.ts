import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { nkeyAuthenticator, nkeys, type ConnectionOptions } from '@nats-io/transport-node';
import { codedError, fileFor, keepSecretOfUrl, readSecret, type NatsTls } from '@reinvite/runtime';
import { serverOptions } from './servers.js';

/** Where NATS is, and as whom one gets there: the section `nats` of the configuration. */
export interface Access {
  /** URLs, a login in them where the servers want one; see {@link serverOptions}. */
  readonly servers: readonly string[];
  /** Whose seed `nkeyFile` is, and so whose permissions; see `permissions`. */
  readonly account?: string | undefined;
  /** File of an nkey seed; `{service}` in it stands for the account. */
  readonly nkeyFile?: string | undefined;
  readonly tls?: NatsTls | undefined;
}

/**
 * What the client is told. With an nkey, answers come to an inbox of the key's own, because nobody else may listen there.
 * @throws CodedError `CONFIG_UNREADABLE` where the seed cannot be read, `CONFIG_INVALID` where it is none.
 */
export async function connectOptions({
  servers,
  account,
  nkeyFile,
  tls,
}: Access): Promise<ConnectionOptions> {
  servers.forEach(keepSecretOfUrl);
  const addresses = serverOptions(servers);
  return {
    ...addresses,
    ...(nkeyFile === undefined ? {} : login(await readSeed(fileFor(nkeyFile, account ?? '')))),
    ...(tls === undefined ? {} : tlsOptions(tls, addresses.servers)),
  };
}

/** A key pair of a new account: the seed is its secret, the public key is what the server knows it by. */
export function createNkey(): { readonly seed: string; readonly publicKey: string } {
  const pair = nkeys.createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), publicKey: pair.getPublicKey() };
}

/**
 * The public key that belongs to a seed file.
 * @throws CodedError `CONFIG_UNREADABLE`, `CONFIG_INVALID`
 */
export async function publicKeyIn(file: string): Promise<string> {
  return publicKeyOf(await readSeed(file));
}

/** Prefix of every inbox, also of those of clients without a key. */
const INBOXES = '_INBOX';

/** Prefix of the inboxes of a key. */
export function inboxOf(publicKey: string): string {
  return `${INBOXES}.${publicKey}`;
}

/** Whether what is sent there reaches nobody but who waits for an answer. */
export function isInbox(subject: string | undefined): boolean {
  return subject?.startsWith(`${INBOXES}.`) ?? false;
}

async function readSeed(file: string): Promise<string> {
  const seed = await readSecret('nats.nkeyFile', undefined, file);
  try {
    publicKeyOf(seed);
    return seed;
  } catch {
    // Its message may quote the seed.
    throw codedError('CONFIG_INVALID', `nats.nkeyFile: ${file} holds no nkey seed`, { file });
  }
}

function publicKeyOf(seed: string): string {
  return nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
}

function login(seed: string): Pick<ConnectionOptions, 'authenticator' | 'inboxPrefix'> {
  return {
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    inboxPrefix: inboxOf(publicKeyOf(seed)),
  };
}

/** TLS or nothing: the client refuses a server that does not offer it. */
function tlsOptions(
  tls: NatsTls,
  servers: readonly string[],
): Pick<ConnectionOptions, 'tls' | 'ignoreClusterUpdates'> {
  const addresses = servers.map(hostOf).filter((host) => isIP(host) !== 0);
  const { caFile, certFile, keyFile } = tls;
  const files = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
  if (addresses.length === 0) return { tls: files };
  const byAddress = {
    // The client does not say which address it has connected to, and Node would look for `localhost` instead.
    checkServerIdentity: (host: string, certificate: PeerCertificate) =>
      servers.some((server) => hostOf(server) === host)
        ? checkServerIdentity(host, certificate)
        : isForOneOf(addresses, certificate),
  };
  // An address that another server tells of is none that was asked for.
  return { tls: { ...files, ...byAddress }, ignoreClusterUpdates: true };
}

function isForOneOf(addresses: readonly string[], certificate: PeerCertificate): Error | undefined {
  const wrongs = addresses.map((address) => checkServerIdentity(address, certificate));
  return wrongs.includes(undefined) ? undefined : wrongs[0];
}

function hostOf(server: string): string {
  const url = /^[a-z]+:\/\//i.test(server) ? server : `nats://${server}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : server;
}
