import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LeaseReply, LeaseRequest } from '@reinvite/domain';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guardStep } from '../src/lease/lease-guard.js';
import { monotonicMs, readLease, removeLease, writeLease } from '../src/lease/lease-file.js';
import { identify, stateOf, type ProcessIdentity } from '../src/process/proc.js';

const GUARD_MAIN = fileURLToPath(new URL('../dist/lease/guard-main.js', import.meta.url));
const log = createLogger('test', 'silent');
const process_: ProcessIdentity = { pid: 4711, startTicks: 1 };

describe('a lease guard', () => {
  const record = { guard: 'g1', lease: { ...process_, untilMs: 1_000 } };
  const alive = (): 'alive' => 'alive';

  it('watches until the lease is over, kills then, and goes on until the process is gone', () => {
    expect(guardStep(record, 'g1', 999, alive)).toEqual({ kind: 'watch' });
    expect(guardStep(record, 'g1', 1_000, alive)).toEqual({ kind: 'kill', process: process_ });
    expect(guardStep(record, 'g1', 2_000, () => 'dying')).toMatchObject({ kind: 'kill' });
    expect(guardStep(record, 'g1', 2_000, () => 'gone')).toEqual({ kind: 'watch' });
  });

  it('ends when another has the watch, or nothing is to be watched any more', () => {
    expect(guardStep({ ...record, guard: 'g2' }, 'g1', 5_000, alive)).toEqual({ kind: 'end' });
    expect(guardStep(null, 'g1', 5_000, alive)).toEqual({ kind: 'end' });
  });

  it('kills nobody before there is a lease', () => {
    expect(guardStep({ guard: 'g1', lease: null }, 'g1', 1e12, alive)).toEqual({ kind: 'watch' });
  });
});

describe('the processes', () => {
  let directory: string;
  let file: string;
  const ends: (() => void)[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'lease-'));
    file = path.join(directory, 'ast1.lease');
  });
  afterEach(async () => {
    ends.splice(0).forEach((end) => end());
    await rm(directory, { recursive: true, force: true });
  });

  /** A process to be guarded, in the place of Asterisk. */
  const victim = (): ProcessIdentity => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    ends.push(() => child.kill('SIGKILL'));
    const found = identify(child.pid ?? 0);
    if (found === undefined) throw new Error('sleep does not run');
    return found;
  };
  const guard = (name: string) => {
    const child = spawn(process.execPath, [GUARD_MAIN, file, name], { stdio: 'ignore' });
    ends.push(() => child.kill('SIGKILL'));
    return child;
  };

  it('a guard kills when the lease in the file is over, with nobody else alive to tell it', async () => {
    const asterisk = victim();
    writeLease(file, 'g1', asterisk, monotonicMs() + 600_000);
    const child = guard('g1');
    expect(readLease(file)?.lease?.pid).toBe(asterisk.pid);
    writeLease(file, 'g1', asterisk, monotonicMs());
    await eventually('the kill', () => stateOf(asterisk) !== 'alive');
    expect(child.exitCode).toBeNull();
  });

  it('a guard ends, and kills nobody, when the lease was given up', async () => {
    const asterisk = victim();
    writeLease(file, 'g1', asterisk, monotonicMs() + 600_000);
    const child = guard('g1');
    const ended = once(child, 'exit');
    removeLease(file);
    expect(await ended).toEqual([0, null]);
    expect(stateOf(asterisk)).toBe('alive');
  });

  /** Sentinels that answer so, one for each name. */
  const sentinels = (answer: (request: LeaseRequest) => [name: string, status: LeaseReply['status']][]) => {
    const asked: LeaseRequest[] = [];
    return {
      asked,
      bus: {
        requestMany: async (
          _subject: string,
          message: unknown,
          schema: { parse: (raw: unknown) => never },
        ) => {
          const request = message as LeaseRequest;
          asked.push(request);
          return answer(request).map(([sentinelId, status]) =>
            schema.parse({ type: 'LeaseReply', sentinelId, status, sentinels: 3 }),
          );
        },
      },
    };
  };
  const two = ['s1', 's2'];
  const well = ({ leaseMs }: LeaseRequest): [string, LeaseReply['status']][] =>
    two.map((name) => [name, leaseMs === 0 ? 'released' : 'granted']);

  const rent = async (bus: never, asterisk: ProcessIdentity, leaseMs: number, isMet = true) => {
    const { Tenant } = await import('../dist/lease/tenant.js');
    const life = () =>
      isMet && stateOf(asterisk) === 'alive' ? { incarnation: 'A', process: asterisk } : undefined;
    const tenant = new Tenant({ nodeId: 'ast1', leaseMs, file, bus, life, log });
    ends.push(() => void tenant.stop());
    return tenant;
  };

  it('an agent writes the end of its first lease down before it asks for it', async () => {
    const asterisk = victim();
    const written: (number | undefined)[] = [];
    const room = sentinels((request) => {
      if (request.leaseMs > 0) written.push(readLease(file)?.lease?.untilMs);
      return well(request);
    });
    const before = monotonicMs();
    await rent(room.bus as never, asterisk, 20_000);
    const first = await eventually('the first request', () => written.length > 0 && written);
    expect(first[0]).toBeGreaterThan(before + 20_000);
  }, 120_000);

  it('an agent that has lost the majority of the sentinels kills Asterisk, and one that never had it does not', async () => {
    const asterisk = victim();
    let reached = two;
    const room = sentinels((request) => well(request).filter(([name]) => reached.includes(name)));
    reached = ['s1'];
    const tenant = await rent(room.bus as never, asterisk, 3_000);
    await eventually('a few requests', () => room.asked.length > 2);
    tenant.look();
    expect(readLease(file)?.lease).toBeNull();
    reached = two;
    await eventually('a lease', () => readLease(file)?.lease);
    reached = ['s1'];
    await eventually('the kill', () => {
      tenant.look();
      return stateOf(asterisk) !== 'alive';
    });
  }, 120_000);

  it('an agent that starts again keeps the lease of the life before, and the guard of before until its own looks', async () => {
    const asterisk = victim();
    const untilMs = monotonicMs() + 600_000;
    writeLease(file, 'before', asterisk, untilMs);
    const guardOfBefore = guard('before');
    const room = sentinels(well);
    const tenant = await rent(room.bus as never, asterisk, 20_000, false);
    expect(readLease(file)?.lease).toEqual({ ...asterisk, untilMs });
    if (guardOfBefore.exitCode === null) await once(guardOfBefore, 'exit');
    expect(readLease(file)).toMatchObject({ lease: { ...asterisk, untilMs } });
    expect(readLease(file)?.guard).not.toBe('before');
    // Nobody has taken it back: it is there when this agent ends too.
    await tenant.stop();
    expect(readLease(file)?.lease).toEqual({ ...asterisk, untilMs });
    expect(stateOf(asterisk)).toBe('alive');
  }, 120_000);

  it('an agent that starts again kills an Asterisk whose lease of before runs out unheard', async () => {
    const asterisk = victim();
    writeLease(file, 'before', asterisk, monotonicMs() + 1_000);
    await rent(sentinels(() => []).bus as never, asterisk, 20_000);
    await eventually('the kill', () => stateOf(asterisk) !== 'alive');
  }, 120_000);

  it('an agent that starts again renews the lease of before, and gives it up in the end', async () => {
    const asterisk = victim();
    const untilMs = monotonicMs() + 5_000;
    writeLease(file, 'before', asterisk, untilMs);
    const room = sentinels(well);
    const tenant = await rent(room.bus as never, asterisk, 20_000);
    await eventually('a later end', () => (readLease(file)?.lease?.untilMs ?? 0) > untilMs);
    expect(room.asked[0]?.leaseMs).toBe(20_000);
    await tenant.stop();
    expect(readLease(file)).toBeNull();
    expect(stateOf(asterisk)).toBe('alive');
  }, 120_000);

  it('no lease is asked for before a guard says that it looks', async () => {
    const node = process.execPath;
    const mute = path.join(directory, 'mute');
    await writeFile(mute, '#!/bin/sh\nexec sleep 20\n', { mode: 0o700 });
    process.execPath = mute;
    ends.push(() => (process.execPath = node));
    const room = sentinels(well);
    const before = monotonicMs();
    await rent(room.bus as never, victim(), 3_000);
    await eventually('time enough for several requests', () => monotonicMs() - before > 1_500);
    expect(room.asked).toEqual([]);
    expect(readLease(file)?.lease).toBeNull();
  }, 120_000);

  it('one sentinel that once said that the lease is over does not have Asterisk killed', async () => {
    const asterisk = victim();
    let renewals = 0;
    const room = sentinels(({ leaseMs }) => {
      if (leaseMs > 0) renewals += 1;
      return [
        ['s1', leaseMs === 0 ? 'released' : 'granted'],
        ['s2', leaseMs === 0 ? 'released' : 'granted'],
        ['s3', leaseMs === 0 ? 'released' : 'ended'],
      ];
    });
    const tenant = await rent(room.bus as never, asterisk, 3_000);
    await eventually('more renewals than one lease has', () => {
      tenant.look();
      return renewals > 15;
    });
    expect(stateOf(asterisk)).toBe('alive');
  }, 120_000);

  it('an agent kills an Asterisk that was declared down', async () => {
    const asterisk = victim();
    const room = sentinels(({ leaseMs }) => [
      ['s1', leaseMs === 0 ? 'released' : 'granted'],
      ['s2', leaseMs === 0 ? 'released' : 'refused'],
    ]);
    await rent(room.bus as never, asterisk, 20_000);
    await eventually('the kill', () => stateOf(asterisk) !== 'alive');
  }, 120_000);
});
