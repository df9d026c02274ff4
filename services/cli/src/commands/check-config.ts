import {
  codedError,
  fileFor,
  groupsWithoutPolicy,
  isCoded,
  loadConfig,
  readSecret,
  withoutSecrets,
  type Config,
} from '@reinvite/runtime';
import type { Output } from '../output.js';

/**
 * `reinvite check-config`: validates the file and prints what it says, defaults filled in and secrets left out. Says on standard
 * error what will work and was hardly meant so.
 * @throws CodedError `CONFIG_UNREADABLE`; `CONFIG_INVALID` also where a secret is neither given nor named by file.
 */
export async function checkConfig(options: { readonly config: string }, output: Output): Promise<void> {
  const config = await loadConfig(options.config);
  // Before any secret is read: what is known by now is what the environment gave, and that is hidden.
  const shown = JSON.stringify(config, hideSecret, 2);
  const { missing, unreadable } = await checkSecrets(config);
  if (missing.length > 0) throw codedError('CONFIG_INVALID', missing.join('\n'));
  for (const message of unreadable)
    output.err(`warning: ${message}; the services need it where they run, as the user who runs them`);
  for (const group of groupsWithoutPolicy(config))
    output.err(`warning: the group ${group} has no recovery policy: what is built in applies to it`);
  output.out(shown);
}

/** Who has a URL of Postgres of its own, where the configuration names one for each. */
const POSTGRES_SERVICES = ['migrate', 'dialog-ledger', 'sentinel', 'recovery'];

interface Secret {
  readonly what: string;
  readonly value: string | undefined;
  readonly file: string | undefined;
}

async function checkSecrets(config: Config): Promise<{ missing: string[]; unreadable: string[] }> {
  const missing: string[] = [];
  const unreadable: string[] = [];
  for (const { what, value, file } of secretsOf(config)) {
    try {
      await readSecret(what, value, file);
    } catch (error) {
      if (isCoded(error, 'CONFIG_INVALID')) missing.push(`${what}: neither a value nor a file is given`);
      else if (isCoded(error, 'CONFIG_UNREADABLE')) unreadable.push(`${what}: cannot read ${file ?? ''}`);
      else throw error;
    }
  }
  return { missing: [...new Set(missing)], unreadable: [...new Set(unreadable)] };
}

/** The secrets that every installation needs, and the files that this one names. */
function secretsOf({ nats, postgres, nodes, nodeAgent: { ami }, dialogLedger, homer }: Config): Secret[] {
  const files = [
    { what: 'nats.tls.caFile', file: nats.tls?.caFile },
    { what: 'nats.tls.certFile', file: nats.tls?.certFile },
    { what: 'nats.tls.keyFile', file: nats.tls?.keyFile },
    ...nodes.map(({ id, ari }) => ({ what: `ari.caFile of ${id}`, file: ari.caFile })),
    { what: 'dialogLedger.capturePassword', file: dialogLedger.capturePasswordFile },
    { what: 'homer.password', file: homer?.passwordFile },
    { what: 'homer.authToken', file: homer?.authTokenFile },
    { what: 'homer.caFile', file: homer?.caFile },
  ];
  return [
    ...POSTGRES_SERVICES.map((service) => ({
      what: 'postgres.url',
      value: postgres.url,
      file: postgres.urlFile === undefined ? undefined : fileFor(postgres.urlFile, service),
    })),
    ...nodes.map(({ id, ari }) => ({
      what: `ARI password of ${id}`,
      value: ari.password,
      file: ari.passwordFile,
    })),
    ...(ami === undefined ? [] : [{ what: 'nodeAgent.ami.secret', value: ami.secret, file: ami.secretFile }]),
    ...files.filter(({ file }) => file !== undefined).map((named) => ({ ...named, value: undefined })),
  ];
}

const HIDDEN = '[set]';

/** NATS and Postgres URLs may hold a password, and a command one that came from the environment. */
function hideSecret(key: string, value: unknown): unknown {
  if (/^(password|secret|authToken|capturePassword)$/.test(key) && value !== undefined) return HIDDEN;
  if (key === 'url' && typeof value === 'string') return hideUserInfo(value);
  if (key === 'servers' && Array.isArray(value)) return value.map((server) => hideUserInfo(String(server)));
  return typeof value === 'string' ? withoutSecrets(value, HIDDEN) : value;
}

function hideUserInfo(url: string): string {
  return withoutSecrets(url, HIDDEN).replace(/\/\/[^/]*@/, `//${HIDDEN}@`);
}
