import { pino, type Logger } from 'pino';

export type { Logger };

/** A JSON logger on stdout. Credentials are cut out by key; URLs with credentials must not be logged at all. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    name: service,
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['password', '*.password', 'authorization', '*.authorization', 'url', '*.url'],
      censor: '[cut]',
    },
  });
}
