import type { Lab } from '@reinvite/lab';

/** One field of everything that ARI lists under a resource of a node; nothing while Asterisk boots. */
export async function ariList(
  lab: Lab,
  node: string,
  resource: 'applications' | 'channels',
  field: string,
): Promise<string[]> {
  const ari = lab.info.ari[node];
  if (ari === undefined) throw new Error(`${node} has no ARI`);
  const authorization = `Basic ${Buffer.from(`${ari.username}:${ari.password}`).toString('base64')}`;
  const answer = await fetch(`${ari.url}/${resource}`, { headers: { authorization } });
  if (!answer.ok) return [];
  const found: unknown = await answer.json();
  if (!Array.isArray(found)) return [];
  return found.flatMap((one: Readonly<Record<string, unknown>>) => {
    const value = one[field];
    return typeof value === 'string' ? [value] : [];
  });
}
