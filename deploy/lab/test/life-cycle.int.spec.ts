import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isCoded } from '@reinvite/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { endLab, findLab, runningLabs, startLab, type Lab } from '../src/index.js';
import { eventually, forgetLabs, rememberLab, tracesOf } from './machine.js';

const CLI = path.resolve(import.meta.dirname, '..', 'dist', 'cli.js');
const NOTHING = { mounts: [], uplinks: [], processes: [] };
const started: string[] = [];

async function core(name = `it-${Math.random().toString(36).slice(2, 10)}`): Promise<Lab> {
  started.push(name);
  const lab = await startLab({ name, only: 'core' });
  await remember(lab);
  return lab;
}

function remember({ info }: Lab): Promise<void> {
  return rememberLab(info.pid, info.subnet.replace(/0\/24$/, ''));
}

function traces(lab: Lab): ReturnType<typeof tracesOf> {
  return tracesOf(lab.info.pid, lab.info.name);
}

async function leavesNothing(lab: Lab): Promise<void> {
  await eventually(
    'nothing of the lab is left',
    async () => JSON.stringify(await traces(lab)) === JSON.stringify(NOTHING),
  );
  expect(await runningLabs()).not.toContain(lab.info.name);
}

async function codeOf(task: Promise<unknown>): Promise<string> {
  try {
    await task;
    return 'none';
  } catch (error) {
    return isCoded(error) ? error.code : String(error);
  }
}

afterEach(async () => {
  await Promise.all(started.splice(0).map(endLab));
});
afterAll(forgetLabs);

describe('a lab of core alone', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab({ only: 'core' });
  });

  afterAll(() => lab.down());

  it('serves NATS and PostgreSQL to the machine, and runs commands on its hosts', async () => {
    const monitor = await fetch(`http://${lab.info.hosts.core?.address ?? ''}:8222/jsz`);
    expect(monitor.ok).toBe(true);
    const { stdout } = await lab.exec('core', ['psql', '-At', '-c', 'select 40 + 2', lab.info.postgres]);
    expect(stdout.trim()).toBe('42');
    expect((await lab.exec('core', ['hostname'])).stdout.trim()).toBe('core');
  });

  it('tells a failed command, an unknown host and an unknown process apart', async () => {
    expect(await codeOf(lab.exec('core', ['false']))).toBe('LAB_COMMAND_FAILED');
    expect((await lab.exec('core', ['false'], { check: false })).exitCode).toBe(1);
    expect(await codeOf(lab.exec('ast9', ['true']))).toBe('LAB_UNKNOWN_HOST');
    expect(await codeOf(lab.kill('asterisk'))).toBe('LAB_UNKNOWN_HOST');
  });

  it('ends a spawned command with the signal that its handle is given', async () => {
    const child = lab.spawn('core', ['sh', '-c', 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done']);
    if (child.stdout === null) throw new TypeError('no pipe');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(child.exitCode).toBe(7);
  });

  it('ends a command with the process that started it, however that ends', async () => {
    const runs = async (): Promise<boolean> =>
      (await lab.exec('core', ['pgrep', '-f', '^sleep 86399$'], { check: false })).exitCode === 0;
    const starter = spawn(
      process.execPath,
      [CLI, 'exec', '--name', lab.info.name, 'core', '--', 'sleep', '86399'],
      { stdio: 'ignore' },
    );
    await eventually('the command to run', runs);
    starter.kill('SIGKILL');
    await eventually('the command to have ended', async () => !(await runs()));
  });

  it('shows the machine’s files to every host under /lab, and a host’s files to the machine', async () => {
    await lab.exec('core', ['sh', '-c', 'echo one >/lab/from-host; echo two >/root/own']);
    expect(readFileSync(path.join(lab.info.shared, 'from-host'), 'utf8')).toBe('one\n');
    expect(readFileSync(lab.hostPath('core', '/root/own'), 'utf8')).toBe('two\n');
  });

  it('kills, starts, hangs and heals a process', async () => {
    const stateOf = async (name: string): Promise<string | undefined> =>
      (await lab.status()).units.find((unit) => unit.name === name)?.state;
    await lab.kill('nats');
    expect(await stateOf('nats')).toBe('ended');
    await lab.kill('nats');
    await lab.start('nats');
    expect(await stateOf('nats')).toBe('running');
    await lab.hang('nats');
    expect(await stateOf('nats')).toBe('hung');
    await lab.heal('nats');
    expect(await stateOf('nats')).toBe('running');
    await lab.restart('postgres');
    expect(await stateOf('postgres')).toBe('running');
  });

  it('drops all packets of a host that is cut, and hears it again when healed', async () => {
    const answers = async (): Promise<boolean> => {
      try {
        return (
          await fetch(`http://${lab.info.hosts.core?.address ?? ''}:8222/healthz`, {
            signal: AbortSignal.timeout(500),
          })
        ).ok;
      } catch {
        return false;
      }
    };
    await eventually('the host to answer', answers);
    await lab.cut('core');
    expect(await answers()).toBe(false);
    expect((await lab.status()).cut).toEqual(['core']);
    await lab.heal('core');
    await eventually('the host answers', answers);
  });
});

describe('two labs', () => {
  it('run side by side on networks of their own', async () => {
    const [one, other] = await Promise.all([core(), core()]);
    expect(one.info.subnet).not.toBe(other.info.subnet);
    expect(await runningLabs()).toEqual(expect.arrayContaining([one.info.name, other.info.name]));
    await one.down();
    expect(
      (await other.exec('core', ['pg_isready', '-h', other.info.hosts.core?.address ?? ''])).exitCode,
    ).toBe(0);
  });

  it('of one name are refused', async () => {
    const lab = await core();
    expect(await codeOf(startLab({ name: lab.info.name, only: 'core' }))).toBe('LAB_EXISTS');
    expect((await lab.status()).info.name).toBe(lab.info.name);
  });
});

describe('the end of a lab', () => {
  it('leaves nothing, and a second one finds nothing to do', async () => {
    const lab = await core();
    await lab.down();
    await leavesNothing(lab);
    await lab.down();
    expect(await codeOf(findLab(lab.info.name))).toBe('LAB_NOT_RUNNING');
    expect(await codeOf(lab.status())).toBe('LAB_NOT_RUNNING');
  });

  it('comes with the SIGKILL of its first process', async () => {
    const lab = await core();
    process.kill(lab.info.pid, 'SIGKILL');
    await leavesNothing(lab);
  });

  it('comes with the SIGKILL of its supervisor', async () => {
    const lab = await core();
    const [init = ''] = readFileSync(`/proc/${lab.info.pid}/task/${lab.info.pid}/children`, 'utf8').split(
      ' ',
    );
    const [supervisor = ''] = readFileSync(`/proc/${init}/task/${init}/children`, 'utf8').split(' ');
    process.kill(Number(supervisor), 'SIGKILL');
    await leavesNothing(lab);
  });

  it('comes with the SIGKILL of the process that it is tied to', async () => {
    const owner = spawn('sleep', ['300']);
    const name = `it-owned-${process.pid}`;
    started.push(name);
    const lab = await startLab({ name, only: 'core', owner: owner.pid ?? 0 });
    await remember(lab);
    expect(await runningLabs()).toContain(name);
    owner.kill('SIGKILL');
    await leavesNothing(lab);
  });

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'comes with the %s of a starter that is not done',
    async (signal) => {
      const name = `it-half-${process.pid}-${signal.toLowerCase()}`;
      started.push(name);
      const starter = spawn(process.execPath, [CLI, 'up', '--name', name, '--only', 'core'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      await eventually('the lab is being built', async () => (await runningLabs()).includes(name));
      starter.kill(signal);
      await once(starter, 'exit');
      await eventually('the lab is gone', async () => !(await runningLabs()).includes(name));
    },
  );
});
