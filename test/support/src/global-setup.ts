import { startLab } from '@reinvite/lab';
import { PostgreSqlContainer } from '@testcontainers/postgresql';
import { getContainerRuntimeClient } from 'testcontainers';
import type { TestProject } from 'vitest/node';
import { createTemplate } from './database.js';
import type { SharedBackends } from './shared.js';

/**
 * vitest's `globalSetup` of the integration tests: Postgres and NATS from testcontainers where a Docker engine answers,
 * from a lab of `core` alone where none does.
 */
export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  const { shared, stop } = (await dockerAnswers()) ? await withDocker() : await withLab();
  project.provide('reinviteBackends', shared);
  return stop;
}

interface Started {
  readonly shared: SharedBackends;
  readonly stop: () => Promise<void>;
}

async function dockerAnswers(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}

async function withDocker(): Promise<Started> {
  const container = await new PostgreSqlContainer('postgres:18-alpine').start();
  const adminUrl = container.getConnectionUri();
  const template = await createTemplate(adminUrl);
  return {
    shared: { kind: 'docker', adminUrl, template },
    stop: async () => {
      await container.stop();
    },
  };
}

async function withLab(): Promise<Started> {
  const lab = await startLab({ only: 'core', onProgress: (line) => process.stderr.write(`lab: ${line}\n`) });
  try {
    const adminUrl = lab.info.postgres;
    const template = await createTemplate(adminUrl);
    return { shared: { kind: 'lab', adminUrl, template, lab: lab.info.name }, stop: () => lab.down() };
  } catch (error) {
    await lab.down();
    throw error;
  }
}
