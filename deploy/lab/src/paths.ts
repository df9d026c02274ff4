import path from 'node:path';
import { fileURLToPath } from 'node:url';

const RUN_DIR = '/run/reinvite-lab';

/**
 * Where a lab mounts the file systems of its hosts. One path for all labs: each mounts its own there, in a mount
 * namespace of its own.
 */
export const HOSTS_DIR = `${RUN_DIR}/.hosts`;

/** The lab package in this checkout, and the checkout. */
export const LAB_PACKAGE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const CHECKOUT = path.resolve(LAB_PACKAGE, '..', '..');

/** What a lab of the given name keeps on the machine while it is up. */
export interface LabPaths {
  /** Everything below but the lock and the errors. */
  readonly dir: string;
  readonly state: string;
  /** Process id of the lab, there from its first moment. */
  readonly pid: string;
  readonly control: string;
  readonly logs: string;
  /** Seen by every host as /lab. */
  readonly shared: string;
  readonly config: string;
  /** Held (flock) by the lab's processes, and only by them. */
  readonly lock: string;
  /** What the supervisor said before it could say it otherwise. */
  readonly errors: string;
}

export function labPaths(name: string): LabPaths {
  const dir = path.join(RUN_DIR, name);
  return {
    dir,
    state: path.join(dir, 'state.json'),
    pid: path.join(dir, 'pid'),
    control: path.join(dir, 'control.sock'),
    logs: path.join(dir, 'log'),
    shared: path.join(dir, 'shared'),
    config: path.join(dir, 'config'),
    lock: path.join(RUN_DIR, '.locks', `${name}.lock`),
    errors: path.join(RUN_DIR, '.locks', `${name}.err`),
  };
}

export const RUN_DIRECTORY = RUN_DIR;

/** PostgreSQL's own directory on `core`; made by install/postgres-template.sh. */
export const POSTGRES_DATA = '/var/lib/postgresql/reinvite';

/** Root directory of a host, as the lab's own mount namespace sees it. */
export function hostRoot(host: string): string {
  return path.join(HOSTS_DIR, host, 'root');
}
