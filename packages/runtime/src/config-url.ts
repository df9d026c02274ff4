import { z } from 'zod';

/** `http` or `https`. Credentials in it would stand in every line of the log that names it. */
export const httpUrl = z
  .url({ protocol: /^https?$/ })
  .refine(hasNoCredentials, 'credentials do not belong into the URL');

/** What is no URL at all is refused as that. */
function hasNoCredentials(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { username, password } = new URL(url);
  return username === '' && password === '';
}
