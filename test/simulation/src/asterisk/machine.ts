import type { LeaseRecord, LeaseStore, ProcessIdentity, Processes } from '@reinvite/node-agent/logic';
import type { Process } from '../world/process.js';
import type { Life } from './life.js';
import type { Killing } from './surroundings.js';

/** The lives of the Asterisk that runs on it. */
interface Inhabited {
  readonly life: Life | undefined;
  readonly lives: readonly Life[];
}

/** What of a node's machine its agent works on: the processes, and a file that a reboot empties. */
export class Machine {
  /** Guards of the lease that run here, whoever started them. */
  readonly guards = new Set<Process>();
  private lease: LeaseRecord | null = null;

  constructor(private readonly node: Inhabited) {}

  readonly leaseStore: LeaseStore = {
    read: () => this.lease,
    write: (guard, process, untilMs) => {
      this.lease = { guard, lease: process === undefined ? null : { ...process, untilMs } };
    },
    remove: () => {
      this.lease = null;
    },
  };

  /** Power loss: whatever runs here ends, and the file is gone. */
  lose(): void {
    this.node.life?.die();
    for (const guard of this.guards) guard.kill();
    this.guards.clear();
    this.lease = null;
  }

  /** The pid file names the latest life, and no process once that is dead. */
  ofIncarnation(incarnation: string): ProcessIdentity | undefined {
    const { life } = this.node;
    return life?.isAlive() === true && life.incarnation === incarnation ? identityOf(life) : undefined;
  }

  sighted(): 'alive' | 'dead' {
    return this.node.life?.isAlive() === true ? 'alive' : 'dead';
  }

  stateOf(process: ProcessIdentity): 'alive' | 'gone' {
    return this.find(process)?.isAlive() === true ? 'alive' : 'gone';
  }

  /** @param killing why whoever uses them kills. */
  processes(killing: () => Killing): Processes {
    return {
      stateOf: (process) => this.stateOf(process),
      kill: (process) => this.find(process)?.kill(killing()),
    };
  }

  private find({ pid }: ProcessIdentity): Life | undefined {
    return this.node.lives.find((life) => identityOf(life).pid === pid);
  }
}

function identityOf({ incarnation }: Pick<Life, 'incarnation'>): ProcessIdentity {
  const startTicks = Number(incarnation);
  return { pid: startTicks, startTicks };
}
