/**
 * Every secret that this process has read. The log and the command line leave them out of what they write, whatever an
 * error of some library quotes: this is the second line of defence, the first is not to put them there.
 */
const kept = new Set<string>();

/** A text so short is found in what is no secret; a password of that length protects nothing either. */
const SHORTEST = 6;
const CENSOR = '[cut]';

/** Remembers a secret, and gives it back. */
export function keepSecret(secret: string): string {
  if (secret.length < SHORTEST) return secret;
  kept.add(secret);
  // As it stands in a line of JSON.
  kept.add(JSON.stringify(secret).slice(1, -1));
  return secret;
}

/** Remembers the password in a URL, as it is written there and as it is meant, and gives the URL back. */
export function keepSecretOfUrl(url: string): string {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*?:([^/?#]*)@/i.exec(url)?.[1];
  if (password === undefined) return url;
  keepSecret(password);
  try {
    keepSecret(decodeURIComponent(password));
  } catch {
    // A lone `%`: it is meant as it stands.
  }
  return url;
}

/** The text with every secret that is known cut out. @param censor what stands in its place. */
export function withoutSecrets(text: string, censor = CENSOR): string {
  let clean = text;
  for (const secret of kept) clean = clean.replaceAll(secret, censor);
  return clean;
}
