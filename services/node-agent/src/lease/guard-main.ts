/**
 * The lease guard: a process of its own, so that it kills Asterisk in time whatever has become of the agent. It needs no network
 * and knows nothing but the lease file. Arguments: the file, its own name.
 *
 * It tells whoever started it that it looks (`ready`), and may be named in the file from then on: the guard before it ends no
 * earlier than that.
 */
import { constants, setPriority } from 'node:os';
import { ownProcesses } from '../process/processes.js';
import { monotonicMs, readLease } from './lease-file.js';
import { leaseWatch } from './lease-watch.js';

const LOOK_MS = 50;

const [file = '', name = ''] = process.argv.slice(2);
const look = leaseWatch(name, {
  read: () => readLease(file),
  processes: ownProcesses,
  mono: monotonicMs,
  isAttended: () => process.connected,
  end: () => process.exit(0),
});

// Where the machine allows it, a guard gives way to nobody.
try {
  setPriority(constants.priority.PRIORITY_HIGHEST);
} catch {
  // It has the priority that it was started with.
}
look();
setInterval(look, LOOK_MS);
process.send?.('ready', () => undefined);
