import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CHECKOUT, hostRoot } from '../paths.js';
import type { HostLayout } from '../layout.js';
import { run } from './run.js';

/**
 * How the lab is closed to whoever is not named: as an installation should be, so that what the tests play on it is played
 * with the rights that each service has there. Only labs in which Reinvite runs are; the others let everybody in.
 */
export interface Security {
  /** PEM of the lab's authority, as this machine sees it. */
  readonly caFile: string;
  /** Paths of the services' own logins, with `{service}` in them. */
  readonly nkeyFile: string;
  readonly postgresUrlFile: string;
  /** The password of ARI, the same on all nodes. */
  readonly ariPasswordFile: string;
  /** A login to NATS that may do everything: for tests, which look at it from outside. */
  readonly outsider: { readonly user: string; readonly password: string };
  /** Password of each of Postgres' roles. */
  readonly roles: Readonly<Record<string, string>>;
}

/** Where a host sees the lab's certificates, and what they are called there. */
export const TLS_ON_HOST = '/lab/tls';

/** Roles of Postgres by the service that uses them. */
const ROLE_OF = {
  migrate: 'reinvite_migrate',
  recovery: 'reinvite_recovery',
  sentinel: 'reinvite_sentinel',
  'dialog-ledger': 'reinvite_ledger',
  asterisk: 'reinvite_billing',
  audit: 'reinvite_audit',
} as const;

/** What every Asterisk writes billing records with. */
export function billingPassword({ roles }: Security): string {
  return roles[ROLE_OF.asterisk] ?? '';
}

/** Draws the passwords, and says where the services find theirs. */
export function drawSecurity(config: string, shared: string): Security {
  const secrets = path.join(config, 'secrets');
  return {
    caFile: path.join(shared, 'tls', 'ca.pem'),
    nkeyFile: path.join(secrets, 'nats', '{service}.nk'),
    postgresUrlFile: path.join(secrets, 'postgres', '{service}.url'),
    ariPasswordFile: path.join(secrets, 'ari.password'),
    outsider: { user: 'lab', password: secret() },
    roles: Object.fromEntries(Object.values(ROLE_OF).map((role) => [role, secret()])),
  };
}

/** Writes what the services read from files: the password of ARI, and each one's URL of Postgres. */
export async function writeSecrets(
  { ariPasswordFile, postgresUrlFile, roles, caFile }: Security,
  ariPassword: string,
  core: string,
): Promise<void> {
  await mkdir(path.dirname(postgresUrlFile), { recursive: true, mode: 0o700 });
  await writeFile(ariPasswordFile, `${ariPassword}\n`, { mode: 0o600 });
  await Promise.all(
    Object.entries(ROLE_OF).map(([service, role]) =>
      writeFile(
        postgresUrlFile.replace('{service}', service),
        `postgres://${role}:${roles[role] ?? ''}@${core}:5432/reinvite?sslmode=verify-full&sslrootcert=${caFile}\n`,
        { mode: 0o600 },
      ),
    ),
  );
}

/** Who may do what on NATS: what `reinvite nats-config` prints, and the outsider. */
export function withOutsider(authorization: string, { outsider }: Security): string {
  const { user, password } = outsider;
  return authorization.replace('users: [', `users: [\n    { user: ${user}, password: "${password}" }`);
}

/** Lines of nats-server's configuration. */
export function natsTls(host: string): object {
  return { cert_file: `${TLS_ON_HOST}/${host}.pem`, key_file: `${TLS_ON_HOST}/${host}.key` };
}

/** Between the servers of a cluster each shows a certificate of the lab's authority. */
export function natsRouteTls(host: string): object {
  return { ...natsTls(host), ca_file: `${TLS_ON_HOST}/ca.pem`, verify: true };
}

/**
 * Prepares PostgreSQL's data directory: certificate and key, and who gets in. The lab's superuser does as before, without TLS.
 * @returns the server's settings.
 */
export async function securePostgres({ name }: HostLayout, data: string): Promise<Record<string, string>> {
  const root = hostRoot(name);
  const own = ['-o', 'postgres', '-g', 'postgres', '-m', '600'];
  await run('chroot', [root, 'install', ...own, `${TLS_ON_HOST}/${name}.key`, `${data}/server.key`]);
  await run('chroot', [root, 'install', ...own, `${TLS_ON_HOST}/${name}.pem`, `${data}/server.crt`]);
  const lines = [
    'local all postgres peer',
    `hostssl reinvite ${Object.values(ROLE_OF).join(',')} all scram-sha-256`,
    'host all reinvite all scram-sha-256',
  ];
  await writeFile(path.join(root, data, 'pg_hba.conf'), `${lines.join('\n')}\n`);
  return { ssl: 'on' };
}

/** Makes the roles as an operator does, with deploy/postgres/roles.sql. */
export async function makeRoles({ name }: HostLayout, { roles }: Security): Promise<void> {
  const script = await readFile(path.join(CHECKOUT, 'deploy/postgres/roles.sql'), 'utf8');
  const passwords = Object.entries(roles).map(
    ([role, password]) => `alter role ${role} password '${password}';`,
  );
  const asPostgres = ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'];
  const psql = ['psql', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'reinvite'];
  await run('chroot', [hostRoot(name), ...asPostgres, ...psql], [script, ...passwords].join('\n'));
}

function secret(): string {
  return randomBytes(24).toString('hex');
}
