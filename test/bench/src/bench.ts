import { writeJson } from '@reinvite/test-command-line';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { Bus } from '@reinvite/bus';
import { connectPool, migrate } from '@reinvite/db';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger, type Logger } from '@reinvite/runtime';
import { measureDetection } from './detection.js';
import { render, type Figures, type LedgerFigures } from './figures.js';
import { measureLatency, type Latency } from './latency.js';
import { measureMemory, type Memory } from './memory.js';
import type { BenchOptions } from './options.js';
import { Receiver } from './receiver.js';
import { measureThroughput, type Throughput } from './throughput.js';
import { NODE_ADDRESS, NODE_ID } from './traffic.js';

/** A million Call-IDs for each measurement: none meets those of another. */
const APART = 1_000_000;

/** Measures, prints the table, and writes the JSON where it is asked for. Nothing is left on the machine. */
export async function runBench(options: BenchOptions, signal: AbortSignal): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const loadBefore = loadavg()[0] ?? 0;
  const ledger = options.only === 'detection' ? undefined : await benchLedger(options, say, signal);
  const detection = options.only === 'ledger' ? undefined : await measureDetection(options, say, signal);
  const machine = { processors: availableParallelism(), loadBefore, loadAfter: loadavg()[0] ?? 0 };
  const figures: Figures = { machine, ledger, detection };
  process.stdout.write(`${render(figures)}\n`);
  await writeJson(options.json, figures);
}

async function benchLedger(
  options: BenchOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<LedgerFigures> {
  const log = createLogger('bench', 'error');
  const lab = await startLab({ only: 'core', onProgress: say, signal });
  try {
    await migrate(lab.info.postgres, log);
    const throughput: LedgerFigures['throughput'][number][] = [];
    const stage = new Stage(lab, log, signal);
    for (const rate of options.rates) {
      say(`${rate} messages/s for ${options.seconds} s, the floor and then the ledger`);
      throughput.push(await stage.throughput(rate, options.seconds));
    }
    const memory: Memory[] = [];
    for (const live of options.live) {
      say(`${live} live calls`);
      memory.push(await stage.memory(live));
    }
    say('latency');
    return { throughput, memory, latency: await stage.latency() };
  } finally {
    await lab.down();
  }
}

/** One measurement after the other, each on a ledger of its own. */
class Stage {
  private first = 0;

  constructor(
    private readonly lab: Lab,
    private readonly log: Logger,
    private readonly signal: AbortSignal,
  ) {}

  async throughput(rate: number, seconds: number): Promise<{ floor: Throughput; ledger: Throughput }> {
    const measure = (receiver: Receiver): Promise<Throughput> =>
      measureThroughput(receiver, rate, seconds, this.apart(), this.signal);
    const warmUp = (receiver: Receiver): Promise<unknown> =>
      measureThroughput(receiver, 1_000, 3, this.apart(), this.signal);
    const both = async (receiver: Receiver): Promise<Throughput> => {
      await warmUp(receiver);
      return measure(receiver);
    };
    const floor = await withReceiver('floor-process', {}, both);
    return { floor, ledger: await this.onLedger(both) };
  }

  memory(live: number): Promise<Memory> {
    return this.onLedger((receiver) => measureMemory(receiver, live, this.apart(), this.signal));
  }

  async latency(): Promise<Latency> {
    const { log, signal } = this;
    const pool = connectPool(this.lab.info.postgres, { applicationName: 'bench', log });
    const bus = await Bus.connect({ servers: [this.lab.info.nats], name: 'bench', log, signal });
    try {
      return await this.onLedger(async (receiver) => {
        const { port } = await receiver.report();
        return measureLatency({ bus, pool }, port, this.apart(), signal);
      });
    } finally {
      await bus.close();
      await pool.end();
    }
  }

  private async onLedger<T>(use: (receiver: Receiver) => Promise<T>): Promise<T> {
    const { nats, postgres } = this.lab.info;
    const pool = connectPool(postgres, { applicationName: 'bench', log: this.log });
    await pool.query('truncate dialogs');
    await pool.end();
    const ari = { url: 'http://127.0.0.1:8088', username: 'bench', password: 'bench' };
    const config = {
      nats: { servers: [nats] },
      postgres: { url: postgres },
      nodes: [{ id: NODE_ID, sipAddresses: [NODE_ADDRESS], hepCaptureId: 1, ari }],
      dialogLedger: { host: '127.0.0.1', port: await freePort() },
    };
    return withReceiver('ledger-process', config, use);
  }

  private apart(): number {
    return (this.first += APART);
  }
}

async function withReceiver<T>(
  program: 'floor-process' | 'ledger-process',
  config: object,
  use: (receiver: Receiver) => Promise<T>,
): Promise<T> {
  const receiver = await Receiver.start(program, config);
  try {
    return await use(receiver);
  } finally {
    await receiver.stop();
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const closed = once(socket, 'close');
  socket.close();
  await closed;
  return port;
}
