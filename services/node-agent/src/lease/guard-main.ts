/**
 * The lease guard: a process of its own, so that it kills Asterisk in time whatever has become of the agent. It needs no network
 * and knows nothing but the lease file. Arguments: the file, its own name.
 *
 * It tells whoever started it that it looks (`ready`), and may be named in the file from then on: the guard before it ends no
 * earlier than that.
 */
import { constants, setPriority } from 'node:os';
import { killProcess } from '../process/asterisk-process.js';
import { readLease, monotonicMs, type LeaseRecord } from './lease-file.js';
import { guardStep } from './lease-guard.js';

const LOOK_MS = 50;

const [file = '', name = ''] = process.argv.slice(2);
let last: LeaseRecord | null = null;
let isNamed = false;

function look(): void {
  try {
    last = readLease(file);
  } catch {
    // The record before holds.
  }
  const step = guardStep(last, name, monotonicMs());
  if (step.kind === 'end') {
    // Until it is named for the first time it waits for that, as long as there is somebody to do it.
    if (isNamed || !process.connected) process.exit(0);
    return;
  }
  isNamed = true;
  if (step.kind !== 'kill') return;
  try {
    killProcess(step.process);
  } catch {
    // Not allowed, or not possible just now: the next look tries again.
  }
}

// Where the machine allows it, a guard gives way to nobody.
try {
  setPriority(constants.priority.PRIORITY_HIGHEST);
} catch {
  // It has the priority that it was started with.
}
look();
setInterval(look, LOOK_MS);
process.send?.('ready', () => undefined);
