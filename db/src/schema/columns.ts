import { customType, timestamp } from 'drizzle-orm/pg-core';

/** A moment, to the millisecond, as a `Date`. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 });

/** Postgres' 64-bit transaction id; it never wraps. A decimal string, because `xid8` has no JavaScript number. */
export const xid8 = customType<{ data: string; driverData: string }>({ dataType: () => 'xid8' });
