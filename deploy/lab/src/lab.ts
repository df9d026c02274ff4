import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { codedError } from '@reinvite/runtime';
import { setClock } from './clock/clock-file.js';
import { ask } from './control-client.js';
import { spawnOn, type SpawnOptions } from './enter.js';
import { hostRoot, POSTGRES_DATA } from './paths.js';
import {
  labStatus,
  operationDone,
  type LabInfo,
  type LabStatus,
  type Operation,
  type OperationDone,
} from './protocol.js';
import { endLab, readInfo } from './registry.js';

const BALLAST = `${POSTGRES_DATA}/ballast`;

/** What a finished command left. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
}

/**
 * A running lab. Targets of the operations are nodes (`ast1`: its Asterisk), the lab's other processes by the names that
 * {@link Lab.status} gives, and for cut and heal any host.
 *
 * All of them throw CodedErrors: `LAB_UNKNOWN_HOST`, `LAB_COMMAND_FAILED`, `LAB_START_FAILED`, or `LAB_NOT_RUNNING` when
 * the lab is gone.
 */
export class Lab {
  constructor(readonly info: LabInfo) {}

  async status(): Promise<LabStatus> {
    return labStatus.parse(await ask(this.info.name, { op: 'status' }));
  }

  /** SIGKILL; resolves when the process is reaped, with the moment the signal was sent. */
  kill(target: string): Promise<OperationDone> {
    return this.perform('kill', target);
  }

  /** SIGSTOP: the process keeps its sockets and says nothing. */
  hang(target: string): Promise<OperationDone> {
    return this.perform('hang', target);
  }

  /**
   * Drops all packets from and to a host, the machine's own included. With `from`, only those between it and that host, or
   * that process (`nats`, `postgres`, `recovery`): nobody is told, as in a partition. Several add up until {@link heal}.
   */
  cut(host: string, from?: string): Promise<OperationDone> {
    return this.perform('cut', host, from);
  }

  /** Undoes cut and hang. */
  heal(target: string): Promise<OperationDone> {
    return this.perform('heal', target);
  }

  /** Starts a process that has ended or was stopped; resolves when it serves. */
  start(target: string): Promise<OperationDone> {
    return this.perform('start', target);
  }

  /** Stops a process in order. */
  stop(target: string): Promise<OperationDone> {
    return this.perform('stop', target);
  }

  restart(target: string): Promise<OperationDone> {
    return this.perform('restart', target);
  }

  /** Starts a command on a host; see {@link spawnOn}. */
  spawn(host: string, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    this.checkHost(host);
    return spawnOn(this.info, host, argv, options);
  }

  /**
   * Runs a command on a host to its end.
   * @throws CodedError `LAB_COMMAND_FAILED` for an exit code other than 0, unless `check` is false.
   */
  async exec(
    host: string,
    argv: readonly string[],
    options: Omit<SpawnOptions, 'stdio'> & { check?: boolean } = {},
  ): Promise<ExecResult> {
    const child = this.spawn(host, argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout: out, stderr: err } = child;
    if (out === null || err === null) throw new TypeError('a command was spawned without pipes');
    const [stdout, stderr] = await Promise.all([text(out), text(err), once(child, 'close')]);
    const exitCode = child.exitCode;
    if (exitCode !== 0 && options.check !== false) {
      throw codedError(
        'LAB_COMMAND_FAILED',
        `${argv.join(' ')} on ${host} ended with ${exitCode ?? child.signalCode ?? '?'}: ${stderr.trim()}`,
      );
    }
    return { stdout, stderr, exitCode };
  }

  /** Fills the file system of PostgreSQL to the last block; for a lab with `postgresDiskMb`. */
  async fillPostgresDisk(): Promise<void> {
    // dd ends with "No space left on device", which is what it is for.
    await this.exec('core', ['dd', 'if=/dev/zero', `of=${BALLAST}`, 'bs=64k'], { check: false });
  }

  /** Undoes {@link fillPostgresDisk}. */
  async freePostgresDisk(): Promise<void> {
    await this.exec('core', ['rm', '-f', BALLAST]);
  }

  /**
   * Sets the wall clock of one of Reinvite's services so many ms ahead of the machine's (behind it, where that is negative);
   * resolves when it goes by it. For a lab with `settableClocks`.
   * @throws CodedError `LAB_COMMAND_FAILED` where the service has no such clock, or does not run.
   */
  async setClock(service: string, aheadMs: number): Promise<void> {
    const { config = '' } = this.info;
    await setClock(path.dirname(config), service, aheadMs);
  }

  /** A file of a host, as a path on this machine; valid while the lab is up. */
  hostPath(host: string, file: string): string {
    this.checkHost(host);
    return path.join(`/proc/${this.info.pid}/root`, hostRoot(host), file);
  }

  /** Ends the lab and resolves when nothing of it is left. */
  async down(): Promise<void> {
    await endLab(this.info.name);
  }

  private async perform(op: Operation, target: string, from?: string): Promise<OperationDone> {
    const request = { op, target, ...(from === undefined ? {} : { from }) };
    return operationDone.parse(await ask(this.info.name, request));
  }

  private checkHost(host: string): void {
    const known = Object.keys(this.info.hosts);
    if (!known.includes(host))
      throw codedError(
        'LAB_UNKNOWN_HOST',
        `lab ${this.info.name} has no host "${host}": it has ${known.join(', ')}`,
      );
  }
}

/**
 * A lab that is up already.
 * @throws CodedError `LAB_NOT_RUNNING`.
 */
export async function findLab(name: string): Promise<Lab> {
  return new Lab(await readInfo(name));
}
