import { randomBytes, timingSafeEqual } from 'node:crypto';
import { codedError } from '@reinvite/runtime';

/** Longer ones are none: so all comparisons are of one length. */
const MAX_BYTES = 255;

/**
 * Checks capture passwords; one of several may do, so that they can be changed on one node after the other. How long it
 * takes depends neither on what was sent nor on what would be right.
 * @param passwords none: every packet is good.
 * @throws CodedError `CONFIG_INVALID` for one that is too long: nothing would ever be let in.
 */
export function passwordCheck(passwords: readonly string[]): (given: Buffer | null) => boolean {
  if (passwords.some((password) => Buffer.byteLength(password) > MAX_BYTES))
    throw codedError('CONFIG_INVALID', `dialogLedger.capturePassword: more than ${MAX_BYTES} bytes`);
  const known = passwords.map((password) => padded(Buffer.from(password)));
  if (known.length === 0) return () => true;
  // Differs from every password, as what is missing or too long has to.
  const nothing = Buffer.concat([Buffer.of(0), randomBytes(MAX_BYTES)]);
  return (given) => {
    const candidate =
      given === null || given.length === 0 || given.length > MAX_BYTES ? nothing : padded(given);
    let good = false;
    for (const password of known) good = timingSafeEqual(candidate, password) || good;
    return good;
  };
}

/** The length, and the bytes filled up. */
function padded(bytes: Buffer): Buffer {
  const whole = Buffer.alloc(1 + MAX_BYTES);
  whole[0] = bytes.length;
  bytes.copy(whole, 1, 0, MAX_BYTES);
  return whole;
}
