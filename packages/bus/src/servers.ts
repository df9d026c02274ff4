/** What the NATS client is told: plain addresses, and apart from them the login. */
export interface ServerOptions {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

const WITH_LOGIN = /^([a-z]+:\/\/)?([^@/]*)@(.*)$/i;

/**
 * Takes the login out of server URLs (`nats://user:password@host:4222`, `nats://token@host:4222`, percent-encoded where
 * needed), for the client itself passes over it. The first that is given holds for all servers.
 */
export function serverOptions(urls: readonly string[]): ServerOptions {
  const found = urls.map((url) => WITH_LOGIN.exec(url));
  const servers = urls.map((url, index) => {
    const [, scheme = '', , address] = found[index] ?? [];
    return address === undefined ? url : `${scheme}${address}`;
  });
  const login = found.find((one) => one !== null)?.[2];
  if (login === undefined) return { servers };
  const [user = '', ...rest] = login.split(':');
  if (rest.length === 0) return { servers, token: decoded(user) };
  return { servers, user: decoded(user), pass: decoded(rest.join(':')) };
}

/** A lone `%` is no escape: the text is meant as it stands. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
