import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterEach, describe, expect, it } from 'vitest';
import { Health, type HealthOptions } from '../src/heartbeat.js';
import { SipOptions } from '../src/witness/sip-options.js';
import { Witnesses } from '../src/witness/witnesses.js';

const NOBODY = { host: '127.0.0.1', port: 9 };
const log = createLogger('test', 'silent');
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const witnessesOf = (controlSocket: string | undefined, hangAfterMs: number): Witnesses => {
  const witnesses = new Witnesses({
    ...{ sipAddress: NOBODY, controlSocket, hangAfterMs, mono: () => performance.now() },
  });
  ends.push(() => witnesses.close());
  return witnesses;
};

describe('an answer that is late', () => {
  it('of ARI is a sign of life even after its deadline', async () => {
    const witnesses = witnessesOf(undefined, 60_000);
    const asked: (() => void)[] = [];
    const ari = {
      info: { incarnation: 'A' },
      on: () => undefined,
      asterisk: {
        // As the real one: it gives up when its time is over.
        ping: (timeoutMs: number) =>
          Promise.race([
            new Promise<void>((resolve) => asked.push(resolve)),
            delay(timeoutMs, undefined, { ref: false }).then(() => Promise.reject(new Error('late'))),
          ]),
        moduleLoaded: async () => true,
      },
    };
    const health = new Health({
      ...{ nodeId: 'ast1', intervalMs: 200, probeMs: 5, witnesses, log },
      ...({ ari, lives: {}, process: {} } as unknown as Pick<HealthOptions, 'ari' | 'lives' | 'process'>),
    });
    await health.probe();
    await eventually('silence', () => {
      witnesses.look();
      return witnesses.silences().ariMs > 50;
    });
    asked[0]?.();
    await eventually('the sign', () => witnesses.silences().ariMs === 0);
  });

  it('to the question for the modules keeps nobody from seeing that ARI is silent', async () => {
    const witnesses = witnessesOf(undefined, 60_000);
    let hangs = false;
    const ari = {
      info: { incarnation: 'A' },
      on: () => undefined,
      asterisk: {
        ping: () => (hangs ? new Promise(() => undefined) : Promise.resolve()),
        moduleLoaded: () => new Promise(() => undefined),
      },
    };
    const health = new Health({
      ...{ nodeId: 'ast1', intervalMs: 200, probeMs: 1_000, witnesses, log },
      ...({ ari, lives: {}, process: {} } as unknown as Pick<HealthOptions, 'ari' | 'lives' | 'process'>),
    });
    await health.probe();
    hangs = true;
    void health.probe();
    await eventually('silence', () => {
      witnesses.look();
      return witnesses.silences().ariMs > 50;
    });
  });

  it('of the control socket is waited for as long as it may be a sign', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'witness-'));
    const file = path.join(directory, 'asterisk.ctl');
    // Only when somebody asks again would a first question have been given up.
    let questions = 0;
    const slow: Server = createServer((socket) => {
      questions += 1;
      socket.write('host/1/22.10.1\n');
      socket.on('error', () => undefined);
      socket.once('data', () => {
        setTimeout(() => {
          socket.end(
            'Processor  Processed  In Queue  Max Depth  Low water  High water\nsip  5  0  1  450  500\n',
          );
        }, 1_500);
      });
    }).listen(file);
    await once(slow, 'listening');
    ends.push(
      () => new Promise((resolve) => slow.close(resolve)),
      () => rm(directory, { recursive: true }),
    );
    const witnesses = witnessesOf(file, 60_000);
    expect(await witnesses.anySign(60_000)).toBe(true);
    expect(questions).toBe(1);
  }, 90_000);
});

describe('OPTIONS to an address that could not be reached', () => {
  it('are sent once it can', async () => {
    const asterisk = createSocket('udp4').bind(0, '127.0.0.1');
    await once(asterisk, 'listening');
    ends.push(() => asterisk.close());
    let heard = 0;
    asterisk.on('message', () => (heard += 1));
    const address = { host: '255.255.255.255', port: asterisk.address().port };
    let absent = 0;
    const options = new SipOptions(address, { onAnswer: () => undefined, onAbsent: () => (absent += 1) });
    ends.push(() => options.close());
    // Nobody may connect to the broadcast address; then the host has its own.
    await eventually('the error', () => absent > 0);
    address.host = '127.0.0.1';
    await eventually('the question', () => {
      options.ask();
      return heard > 0;
    });
  });
});
