import { defineConfig } from 'vitest/config';

/**
 * Unit tests are pure; integration tests need real Postgres, NATS or Asterisk; e2e tests need the whole lab. One project
 * runs after the other: an end-to-end test measures, and wants the machine for itself.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/test/**/*.unit.spec.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          setupFiles: ['./test/support/src/property-setup.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'int',
          include: ['**/test/**/*.int.spec.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 60_000,
          hookTimeout: 180_000,
          setupFiles: ['./test/support/src/orphan-setup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          globalSetup: './test/support/src/global-setup.ts',
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['**/test/**/*.e2e.spec.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 300_000,
          // Whole plays sit in one hook.
          hookTimeout: 1_200_000,
          setupFiles: ['./test/support/src/orphan-setup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
