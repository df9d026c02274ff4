import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { withoutSecrets } from './secrets.js';

export type { Logger };

/**
 * A JSON logger, on stdout where no other destination is given. Credentials are cut out by key, and every secret that the
 * process has read by its text; URLs with credentials must not be logged at all.
 */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    name: service,
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['password', '*.password', 'authorization', '*.authorization', 'url', '*.url'],
      censor: '[cut]',
    },
    hooks: { streamWrite: withoutSecrets },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
