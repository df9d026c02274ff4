/**
 * What people on several nodes have in common: an ARI bridge by its id, which the application chose for all of them, or a
 * `ConfBridge` by its name. Of a `Queue` only those who come back together are known.
 */
export interface Conference {
  readonly kind: 'ari-bridge' | 'confbridge' | 'queue';
  readonly name: string;
}

/** The name under which a conference is known on every node. */
export function conferenceKey({ kind, name }: Conference): string {
  return `${kind}:${name}`;
}
