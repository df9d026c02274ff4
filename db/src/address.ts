import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

/**
 * What `pg` is told for a URL. `sslmode=verify-full` and `sslrootcert=FILE` in it are honoured: the certificate has to be from
 * that authority and for the host, also where that is an IP address.
 * @throws Error of Node where `sslrootcert` cannot be read.
 */
export function clientConfig(url: string): pg.ClientConfig {
  const config = parseIntoClientConfig(url);
  const { host, ssl } = config;
  if (ssl === undefined || ssl === false || host === undefined || isIP(host) === 0) return config;
  // Node knows no name of a socket that was connected by address, and would look for `localhost` in the certificate.
  const byAddress = (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate);
  return { ...config, ssl: { checkServerIdentity: byAddress, ...(ssl === true ? {} : ssl) } };
}

/** Whether what goes to this server can be read or changed on the way: it is elsewhere, and its certificate is not verified. */
export function isOpenToOthers(url: string): boolean {
  const { host = 'localhost', ssl } = parseIntoClientConfig(url);
  const isHere = host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(host);
  return (
    !isHere && (ssl === undefined || ssl === false || (ssl !== true && ssl.rejectUnauthorized === false))
  );
}
