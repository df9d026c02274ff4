import { codedError } from '@reinvite/runtime';
import type { LabInfo, LabStatus, Operation, OperationDone } from '../protocol.js';
import { setConnected } from './network.js';
import { now, type Unit } from './unit.js';

/** Carries out what is asked of a running lab: on its processes by name, on its hosts' network by host. */
export class Operations {
  private readonly cut = new Set<string>();

  constructor(
    private readonly units: ReadonlyMap<string, Unit>,
    private readonly info: LabInfo,
  ) {}

  status(): LabStatus {
    return {
      info: this.info,
      cut: [...this.cut],
      units: [...this.units.values()].map((unit) => unit.status()),
    };
  }

  /**
   * @throws CodedError `LAB_UNKNOWN_HOST` when the lab has nothing of that name, `LAB_COMMAND_FAILED` or
   *   `LAB_START_FAILED` when it cannot be done.
   */
  async perform(operation: Operation, target: string): Promise<OperationDone> {
    switch (operation) {
      case 'kill':
        return { at: await this.unit(target).kill() };
      case 'hang':
        return { at: this.unit(target).signal('SIGSTOP') };
      case 'cut':
        return this.connect(target, false);
      case 'heal':
        return this.heal(target);
      case 'start':
        return done(this.unit(target).start());
      case 'stop':
        return done(this.unit(target).stop());
      case 'restart':
        return done(
          this.unit(target)
            .stop()
            .then(() => this.unit(target).start()),
        );
    }
  }

  private async heal(target: string): Promise<OperationDone> {
    const unit = this.units.get(target);
    if (unit?.hung === true) unit.signal('SIGCONT');
    if (unit !== undefined && this.info.hosts[target] === undefined) return { at: now() };
    return this.connect(target, true);
  }

  private async connect(host: string, connected: boolean): Promise<OperationDone> {
    if (this.info.hosts[host] === undefined) throw this.unknown(host, Object.keys(this.info.hosts));
    await setConnected(host, connected);
    if (connected) this.cut.delete(host);
    else this.cut.add(host);
    return { at: now() };
  }

  private unit(name: string): Unit {
    const unit = this.units.get(name);
    if (unit === undefined) throw this.unknown(name, [...this.units.keys()]);
    return unit;
  }

  private unknown(name: string, known: readonly string[]): Error {
    return codedError(
      'LAB_UNKNOWN_HOST',
      `lab ${this.info.name} has no "${name}": it has ${known.join(', ')}`,
    );
  }
}

async function done(task: Promise<void>): Promise<OperationDone> {
  await task;
  return { at: now() };
}
