import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLab, type Lab } from '../src/index.js';
import { eventually } from './machine.js';

const SERVERS = ['core', 'nats-2', 'nats-3'];

describe('a lab that is to be broken piece by piece', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab({ only: 'core', nats: 3, postgresDiskMb: 128 });
  });
  afterAll(() => lab.down());

  async function succeeds(host: string, command: string): Promise<boolean> {
    return (await lab.exec(host, ['bash', '-c', command], { check: false })).exitCode === 0;
  }

  function reaches(host: string, peer: string, port: number): Promise<boolean> {
    return succeeds(host, `timeout 1 bash -c '</dev/tcp/${peer}/${port}'`);
  }

  /** Within its second where the machine has time. */
  function reachesAgain(host: string, peer: string, port: number): Promise<void> {
    return eventually(`${host} to reach ${peer}:${port}`, () => reaches(host, peer, port));
  }

  /** Names of the NATS servers that one of them sees in the cluster's JetStream as alive. */
  async function alive(server: string): Promise<string[]> {
    const monitor = `http://${lab.info.hosts[server]?.address ?? ''}:8222/jsz`;
    const { meta_cluster: meta } = (await (await fetch(monitor)).json()) as {
      meta_cluster?: { leader?: string; replicas?: { name: string; offline?: boolean }[] };
    };
    if (meta?.leader !== server) return [];
    return [server, ...(meta.replicas ?? []).filter((one) => one.offline !== true).map(({ name }) => name)];
  }

  it('has a cluster of NATS servers that outlives one of them', async () => {
    let first = '';
    await eventually('a leader', async () => {
      first = (await Promise.all(SERVERS.map(alive))).flat()[0] ?? '';
      return first !== '';
    });
    const unit = first === 'core' ? 'nats' : first;
    await lab.kill(unit);
    expect((await lab.status()).units.find(({ name }) => name === unit)?.endedAt).toBeGreaterThan(0);
    await eventually('another leader', async () => {
      const names = (
        await Promise.all(['core', 'nats-2', 'nats-3'].filter((one) => one !== first).map(alive))
      ).flat();
      return names.length > 0;
    });
    await lab.start(unit);
    expect((await lab.status()).units.find(({ name }) => name === unit)?.endedAt).toBeNull();
  });

  it('cuts a host off from one process of another host, and from nothing else', async () => {
    await lab.cut('nats-2', 'postgres');
    expect((await lab.status()).cut).toEqual(['nats-2 from postgres']);
    expect(await reaches('nats-2', 'core', 5432)).toBe(false);
    await reachesAgain('nats-2', 'core', 4222);
    await reachesAgain('nats-3', 'core', 5432);
    await lab.cut('nats-2', 'nats-3');
    expect(await reaches('nats-2', 'nats-3', 4222)).toBe(false);
    await lab.heal('nats-2');
    await reachesAgain('nats-2', 'core', 5432);
    await reachesAgain('nats-2', 'nats-3', 4222);
    expect((await lab.status()).cut).toEqual([]);
    // All at once, as a partition comes.
    await Promise.all(['postgres', 'nats-3'].map((peer) => lab.cut('nats-2', peer)));
    expect(await reaches('nats-2', 'core', 5432)).toBe(false);
    expect(await reaches('nats-2', 'nats-3', 4222)).toBe(false);
    await lab.heal('nats-2');
    expect((await lab.status()).cut).toEqual([]);
  });

  it('hangs a process with all that it has forked', async () => {
    const answers = (): Promise<boolean> =>
      succeeds('core', `timeout 1 psql -At -c 'select 1' ${lab.info.postgres}`);
    await eventually('PostgreSQL to answer at first', answers);
    await lab.hang('postgres');
    expect(await succeeds('core', `ps -eo stat=,args= | grep '[p]ostgres: checkpointer' | grep -q ^T`)).toBe(
      true,
    );
    expect(await answers()).toBe(false);
    await lab.heal('postgres');
    await eventually('PostgreSQL to answer', answers);
  });

  it('fills the disk of PostgreSQL, and frees it', async () => {
    const writes = (): Promise<boolean> =>
      succeeds(
        'core',
        `psql -v ON_ERROR_STOP=1 -c 'create table t as select generate_series(1, 200000)' -c 'drop table t' ${lab.info.postgres}`,
      );
    expect(await writes()).toBe(true);
    await lab.fillPostgresDisk();
    expect(await writes()).toBe(false);
    await lab.freePostgresDisk();
    const { units } = await lab.status();
    if (units.find(({ name }) => name === 'postgres')?.state !== 'running') await lab.start('postgres');
    await eventually('PostgreSQL to write', writes);
  });
});
