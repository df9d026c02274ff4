/** The dialog-ledger as it is run, by a configuration in the environment, and nothing else in its process. */
import { Bus, subjects } from '@reinvite/bus';
import { dialogLedger } from '@reinvite/dialog-ledger';
import { ledgerStatus } from '@reinvite/domain';
import { createLogger, parseConfig, retryForever, shutdownSignal } from '@reinvite/runtime';
import { answerReports } from './receiver-protocol.js';

const log = createLogger('bench', 'fatal');
const signal = shutdownSignal();
const config = parseConfig(JSON.parse(process.env.REINVITE_BENCH_CONFIG ?? '{}'));
const running = dialogLedger({ config, log, signal });
const bus = await Bus.connect({ servers: config.nats.servers, name: 'bench-ledger', log, signal });
const status = async () => {
  const now = await bus.request(subjects.ledgerStatus, { type: 'LedgerStatusRequest' }, ledgerStatus, 30_000);
  const { packets, kernelDrops, callIds } = now;
  return { port: config.dialogLedger.port, packets: packets.udp, kernelDrops, callIds };
};
await retryForever(status, { what: 'waiting for the ledger', log, signal });
answerReports(status);
process.send?.('ready');
await running;
await bus.close();
process.disconnect?.();
