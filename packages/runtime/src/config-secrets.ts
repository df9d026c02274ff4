import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { codedError } from './errors.js';
import { keepSecret, keepSecretOfUrl } from './secrets.js';

const file = z.string().min(1);

/** Stands in a path for the service that reads the file, so that one configuration does for services with logins of their own. */
const SERVICE = '{service}';

/** How NATS is reached, and as whom. docs/security.md says what each service is allowed there. */
export const nats = z.strictObject({
  servers: z.array(z.string().min(1)).min(1),
  /** File of the nkey seed; `{service}` in it is replaced. With it a service has its own rights only, and creates no streams. */
  nkeyFile: file.optional(),
  /** With this section TLS is insisted on, and the server's name (or address) is verified. */
  tls: z
    .strictObject({
      /** PEM of the authority that signed the servers' certificates, where the system does not know it. */
      caFile: file.optional(),
      /** PEM of a certificate of our own, where the servers ask for one. */
      certFile: file.optional(),
      keyFile: file.optional(),
    })
    .refine((tls) => (tls.certFile === undefined) === (tls.keyFile === undefined), {
      message: 'certFile and keyFile go together',
    })
    .optional(),
  /** Servers that keep each stream: as many as the cluster has, 3 or 5. Without it a stream stays as it is, a new one has one. */
  replicas: z.union([z.literal(1), z.literal(3), z.literal(5)]).optional(),
});

/** How NATS is secured; of the configuration's section `nats`. */
export type NatsTls = NonNullable<z.infer<typeof nats>['tls']>;

/** Where Postgres is. `{service}` in `urlFile` is replaced. */
export const postgres = z
  .strictObject({
    url: z.string().min(1).optional(),
    urlFile: file.optional(),
    poolSize: z.number().int().min(1).default(8),
  })
  .refine(isGivenOnce('url', 'urlFile'), 'url and urlFile are both given: which one is meant?');

/** A check for {@link z.ZodType.refine}: a secret stands in the configuration, or in a file, but not in both. */
export function isGivenOnce<K extends string>(
  value: K,
  inFile: K,
): (given: { readonly [key in K]?: unknown }) => boolean {
  return (given) => given[value] === undefined || given[inFile] === undefined;
}

/** The path for one service: `{service}` replaced. */
export function fileFor(path: string, service: string): string {
  return path.replaceAll(SERVICE, service);
}

/**
 * The URL under which a service gets to Postgres.
 * @throws CodedError `CONFIG_INVALID` where none is given, `CONFIG_UNREADABLE`.
 */
export async function postgresUrl(
  { postgres: { url, urlFile } }: { readonly postgres: z.infer<typeof postgres> },
  service: string,
): Promise<string> {
  const file = urlFile === undefined ? undefined : fileFor(urlFile, service);
  return keepSecretOfUrl(await readSecret('postgres.url', url, file));
}

/**
 * A secret that stands in the configuration or in a file of its own. From then on no line of the log has it.
 * @throws CodedError `CONFIG_INVALID` where neither is given, `CONFIG_UNREADABLE` for an unreadable file.
 */
export async function readSecret(
  what: string,
  value: string | undefined,
  inFile: string | undefined,
): Promise<string> {
  if (value !== undefined) return keepSecret(value);
  if (inFile === undefined)
    throw codedError('CONFIG_INVALID', `${what}: neither a value nor a file is given`);
  try {
    return keepSecret((await readFile(inFile, 'utf8')).trim());
  } catch (cause) {
    throw codedError('CONFIG_UNREADABLE', `${what}: cannot read ${inFile}`, { file: inFile }, cause);
  }
}

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Keys under which what comes from the environment is a secret; a node's id, say, is to stand in the log. */
const SECRET_PLACE = /^(password|secret|authToken|capturePassword|fenceCommand)$/;

/**
 * Replaces `${NAME}` in every text of a parsed configuration with that variable of the environment; `$${` stands for `${`.
 * What it puts into a secret or a command counts as one.
 * @throws CodedError `CONFIG_INVALID` naming each variable that is not set.
 */
export function withEnvironment(raw: unknown, environment: NodeJS.ProcessEnv): unknown {
  const missing = new Set<string>();
  const replaced = replaceIn(raw, '', (whole, name, key) => {
    const value = environment[name];
    if (value !== undefined) return SECRET_PLACE.test(key) ? keepSecret(value) : value;
    missing.add(name);
    return whole;
  });
  if (missing.size > 0)
    throw codedError('CONFIG_INVALID', `not set in the environment: ${[...missing].join(', ')}`);
  return replaced;
}

type ValueOf = (whole: string, name: string, key: string) => string;

function replaceIn(value: unknown, key: string, valueOf: ValueOf): unknown {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (whole, name: string | undefined) => {
      if (name === undefined) return '${';
      return valueOf(whole, name, key);
    });
  }
  if (Array.isArray(value)) return value.map((one) => replaceIn(one, key, valueOf));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, replaceIn(one, name, valueOf)]),
  );
}
