const FORM = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/;
const MINUTE_MS = 60_000;

/**
 * A point in time as HOMER 11 writes it: RFC 3339, the same without a zone (then UTC), or a number of seconds, ms, µs or ns,
 * told apart by its size.
 * @returns microseconds since the Unix epoch, null for what is none of these.
 */
export function microseconds(value: string | number): number | null {
  const at = typeof value === 'number' ? ofNumber(value) : ofText(value.trim());
  return at !== null && Number.isSafeInteger(at) && at > 0 ? at : null;
}

function ofNumber(value: number): number {
  if (value > 1e18) return Math.floor(value / 1_000);
  if (value > 1e15) return Math.floor(value);
  if (value > 1e12) return Math.floor(value * 1_000);
  return Math.floor(value * 1_000_000);
}

function ofText(text: string): number | null {
  const [whole, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = FORM.exec(text) ?? [];
  if (whole === undefined) return null;
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  // A Date has no microseconds.
  return (ms - offsetMs(zone)) * 1_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

function offsetMs(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  const size = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * MINUTE_MS;
  return sign === '-' ? -size : size;
}
