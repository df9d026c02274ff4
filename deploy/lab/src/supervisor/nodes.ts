import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { hostRoot } from '../paths.js';
import type { HostLayout } from '../layout.js';
import { TLS_ON_HOST } from './security.js';
import { renderDirectory, type Values } from './template.js';
import type { UnitSpec } from './unit.js';
import { answersHttp, READY_MS, until } from './wait.js';

const PID_FILE = 'run/asterisk/asterisk.pid';

/** How to reach a node's ARI. */
export interface AriAccess {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

export interface NodeSettings {
  readonly node: HostLayout;
  /** Where everybody else is: see `addressValues`. */
  readonly addresses: Values;
  /** Where SIP is captured to: `address:port`. */
  readonly hep: string;
  readonly hepCaptureId: number;
  readonly ari: AriAccess;
  /** What its billing records are written with; without it there are none. */
  readonly billing?: { readonly password: string };
}

/** Where Asterisk's libpq reads how to reach Postgres, and under which name. */
const POSTGRES_ENV = ['PGSERVICEFILE=/etc/asterisk/postgres.service.conf', 'PGSERVICE=reinvite'];

export const ariUrl = (node: string): string => `http://${node}:8088/ari`;
/** The same ARI behind TLS; see deploy/lab/asterisk/http.conf. */
export const ariTlsUrl = (node: string): string => `https://${node}:8089`;

/** The file in which a node's Asterisk writes its process id, as the machine's side of the lab sees it. */
export const pidFileOf = (node: string): string => path.join(hostRoot(node), PID_FILE);

/** One Asterisk. */
export async function nodeUnit(settings: NodeSettings): Promise<UnitSpec> {
  const { node, ari, billing } = settings;
  const root = hostRoot(node.name);
  // Over Debian's own files, which stay for whatever of Asterisk the lab does not set up itself.
  const values = {
    ...settings.addresses,
    NODE_ID: node.name,
    NODE_ADDRESS: node.address,
    NODE_ADDRESS6: node.address6,
    HEP_ADDRESS: settings.hep,
    HEP_CAPTURE_ID: String(settings.hepCaptureId),
    ARI_PASSWORD: ari.password,
    AMI_SECRET: ari.password,
    CDR: billing === undefined ? 'no' : 'yes',
    CDR_LOAD: billing === undefined ? 'noload' : 'load',
    POSTGRES_ADDRESS: settings.addresses.CORE_ADDRESS ?? '',
    POSTGRES_PASSWORD: billing?.password ?? '',
    POSTGRES_SSLMODE: 'verify-full',
    POSTGRES_CA_FILE: `${TLS_ON_HOST}/ca.pem`,
  };
  await renderDirectory('asterisk', path.join(root, 'etc/asterisk'), values);
  await renderDirectory('lab/asterisk', path.join(root, 'etc/asterisk/lab'), values);
  // Debian's package does not make the last one; without it ARI's `record` answers 500.
  for (const dir of ['run/asterisk', 'var/spool/asterisk/monitor', 'var/spool/asterisk/recording'])
    await mkdir(path.join(root, dir), { recursive: true });
  const authorization = `Basic ${Buffer.from(`${ari.username}:${ari.password}`).toString('base64')}`;
  return {
    name: node.name,
    host: node.name,
    files: 'host',
    argv: ['env', ...POSTGRES_ENV, 'asterisk', '-f', '-C', '/etc/asterisk/asterisk.conf'],
    ready: () => until(node.name, READY_MS, () => answersHttp(`${ari.url}/asterisk/info`, authorization)),
  };
}
