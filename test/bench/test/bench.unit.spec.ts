import { spawn } from 'node:child_process';
import { applyMessage, decodeHep, dialogsOf, emptyCall, parseSip, type SipMessage } from '@reinvite/sip';
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { render, type Figures } from '../src/figures.js';
import { spreadOf } from '../src/latency.js';
import { readOptions } from '../src/options.js';
import { Receiver } from '../src/receiver.js';
import { callTraffic } from '../src/throughput.js';
import { callMessages, NODE_ADDRESS, NODE_ID } from '../src/traffic.js';

const messageOf = (packet: Buffer): SipMessage => parseSip(decodeHep(packet).payload);

function stateAfter(packets: readonly Buffer[]): string[] {
  const call = packets.reduce(
    (before, packet) => {
      const { source, at } = decodeHep(packet);
      const direction = source.address === NODE_ADDRESS ? 'sent' : 'received';
      return applyMessage(before, { direction, at, nodeId: NODE_ID, message: messageOf(packet) });
    },
    emptyCall(messageOf(packets[0] as Buffer).callId),
  );
  return dialogsOf(call).map(({ state, unsure }) =>
    [state, ...unsure.filter((why) => !why.startsWith('session'))].join(' '),
  );
}

describe("the bench's traffic", () => {
  it('is of calls that a ledger takes for what they are', () => {
    const { setUp, hangUp } = callMessages(4_711);
    expect(stateAfter(setUp)).toEqual(['confirmed']);
    expect(stateAfter([...setUp, ...hangUp])).toEqual(['ended']);
  });

  it('has a Call-ID for each call', () => {
    const callIds = [...callTraffic(7_000, 700, 0)].map((packet) => messageOf(packet).callId);
    expect(callIds).toHaveLength(7_000);
    expect(new Set(callIds).size).toBe(1_000);
  });
});

describe("the bench's figures", () => {
  it('are what the samples say', () => {
    const times = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(spreadOf(times)).toEqual({ median: 51, p99: 100 });
    expect(spreadOf([7])).toEqual({ median: 7, p99: 7 });
  });

  it('are shown against the floor', () => {
    const at = { wantedPerSecond: 5_000, sentPerSecond: 5_000, sent: 50_000, kernelDrops: 0 };
    const figures: Figures = {
      machine: { processors: 2, loadBefore: 0.5, loadAfter: 1 },
      detection: { kills: 20, calls: 100, nodeDown: { median: 30, p99: 60 }, floor: { median: 3, p99: 5 } },
      ledger: {
        throughput: [{ floor: { ...at, lost: 0, cpuUs: 10 }, ledger: { ...at, lost: 3, cpuUs: 40 } }],
        memory: [{ liveCalls: 10_000, bytesHot: 4_000, bytesCalm: 500 }],
        latency: {
          floor: { median: 1, p99: 2 },
          barrier: { median: 3, p99: 4 },
          readable: { median: 50, p99: 60 },
        },
      },
    };
    const table = render(figures);
    expect(table).toMatch(
      /20 times with 100 calls, ms: median \/ p99 +30\.0 \/ 60\.0 +3\.0 \/ 5\.0 +10\.00 ×$/m,
    );
    expect(render({ ...figures, ledger: undefined })).not.toMatch(/ledger/);
    expect(table).toMatch(/lost of 50,000 +3 +0$/m);
    expect(table).toMatch(/messages\/s that fill one core +25,000 +100,000 +0\.25 ×$/m);
    expect(table).toMatch(/10,000 that talk +500$/m);
    expect(table).toMatch(/barrier, ms: median \/ p99 +3\.0 \/ 4\.0 +1\.0 \/ 2\.0 +3\.00 ×$/m);
  });
});

describe("the bench's command line", () => {
  it('has a default for everything', () => {
    const detection = { kills: 20, calls: 100 };
    expect(readOptions([])).toEqual({
      ...detection,
      rates: [5_000, 10_000],
      seconds: 10,
      live: [10_000, 50_000],
    });
    expect(readOptions(['--rates', '100,200', '--seconds', '1', '--live', '5'])).toEqual({
      ...detection,
      rates: [100, 200],
      seconds: 1,
      live: [5],
    });
  });

  it.each([
    ['--rates', 'many'],
    ['--live', '0'],
    ['--seconds', '-1'],
    ['--json', '/no/such/directory/x.json'],
  ])('refuses %s %s', (option, value) => {
    expect(() => readOptions([option, value])).toThrow(CommanderError);
  });
});

describe("the bench's receiver", () => {
  it('says so when it ends instead of giving its report, or has ended', async () => {
    const stdio = ['ignore', 'ignore', 'ignore', 'ipc'] as const;
    const child = spawn(process.execPath, ['-e', "process.on('message', () => process.exit())"], {
      stdio: [...stdio],
    });
    const receiver = new Receiver(child, 'floor-process');
    await expect(receiver.report()).rejects.toThrow('floor-process ended');
    await expect(receiver.report()).rejects.toThrow('floor-process ended');
    await receiver.stop();
  });
});
