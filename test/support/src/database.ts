import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';

const exec = promisify(execFile);
const COMMAND_LINE = fileURLToPath(new URL('../../../services/cli/dist/main.js', import.meta.url));

/** The same server's URL with another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

/**
 * Makes an empty database and brings its schema as an operator does, with the `reinvite` command; the others are copies
 * of it.
 * @returns its name.
 */
export async function createTemplate(adminUrl: string): Promise<string> {
  const template = `template_${randomBytes(6).toString('hex')}`;
  await asAdmin(adminUrl, `create database ${template}`);
  const dir = await mkdtemp(path.join(tmpdir(), 'reinvite-test-'));
  try {
    const config = path.join(dir, 'reinvite.json');
    await writeFile(config, JSON.stringify(migrationConfig(withDatabase(adminUrl, template))), {
      mode: 0o600,
    });
    await exec(process.execPath, [COMMAND_LINE, 'migrate', '--config', config]);
  } finally {
    await rm(dir, { recursive: true });
  }
  return template;
}

/** A copy of the template. */
export async function createDatabase(adminUrl: string, template: string): Promise<string> {
  const database = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(adminUrl, `create database ${database} template ${template}`);
  return database;
}

/** Also where connections to it are still open. */
export async function dropDatabase(adminUrl: string, database: string): Promise<void> {
  await asAdmin(adminUrl, `drop database if exists ${database} with (force)`);
}

async function asAdmin(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Migrating reads nothing but `postgres`; the rest must only be there (JSON is YAML). */
function migrationConfig(url: string): object {
  return {
    postgres: { url },
    nats: { servers: ['nats://127.0.0.1:4222'] },
    nodes: [
      {
        id: 'unused',
        sipAddresses: ['127.0.0.1'],
        ari: { url: 'http://127.0.0.1:8088', username: 'unused', password: 'unused' },
      },
    ],
  };
}
