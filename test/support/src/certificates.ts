import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** A certificate authority, and a server's certificate signed by it, as PEM and in files. */
export interface Certificates {
  readonly caFile: string;
  readonly ca: string;
  readonly certFile: string;
  readonly cert: string;
  readonly keyFile: string;
  readonly key: string;
}

/**
 * Makes an authority of its own and a certificate for these names and addresses (`DNS:core`, `IP:10.77.0.20`), good for a
 * day. Needs openssl 3.
 * @param dir where the files are put: one of their own, see `testDirectory`.
 */
export async function makeCertificates(dir: string, ...names: readonly string[]): Promise<Certificates> {
  const file = (name: string): string => path.join(dir, name);
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1'.split(' ');
  const openssl = (...options: readonly string[]) =>
    promisify(execFile)('openssl', ['req', '-x509', ...newKey, ...options]);
  await openssl(
    ...['-keyout', file('ca.key'), '-out', file('ca.pem'), '-subj', '/CN=reinvite-test'],
    ...['-addext', 'keyUsage=keyCertSign'],
  );
  await openssl(
    ...[
      '-CA',
      file('ca.pem'),
      '-CAkey',
      file('ca.key'),
      '-keyout',
      file('server.key'),
      '-out',
      file('server.pem'),
    ],
    ...['-subj', '/CN=server', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', `subjectAltName=${names.join(',')}`],
  );
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'server.pem', 'server.key'].map((name) => readFile(file(name), 'utf8')),
  );
  return {
    ...{ caFile: file('ca.pem'), certFile: file('server.pem'), keyFile: file('server.key') },
    ...{ ca: ca ?? '', cert: cert ?? '', key: key ?? '' },
  };
}
