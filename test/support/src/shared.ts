import 'vitest';

/**
 * The Postgres and NATS of one test run, made once by {@link globalSetup} and told to each test file's process.
 * Every `startBackends()` takes a database and a NATS server of its own from it.
 */
export type SharedBackends =
  | { readonly kind: 'docker'; readonly adminUrl: string; readonly template: string }
  | { readonly kind: 'lab'; readonly adminUrl: string; readonly template: string; readonly lab: string };

declare module 'vitest' {
  interface ProvidedContext {
    reinviteBackends: SharedBackends;
  }
}
