import { codedError } from '@reinvite/runtime';
import type { LabInfo, LabStatus, Operation, OperationDone } from '../protocol.js';
import { setConnected, setDropped, type Peer } from './network.js';
import { now, type Unit } from './unit.js';

/** Carries out what is asked of a running lab: on its processes by name, on its hosts' network by host. */
export class Operations {
  private readonly cut = new Set<string>();
  /** By host: what it is cut off from, by name. */
  private readonly dropped = new Map<string, ReadonlyMap<string, Peer>>();
  /** What is done to the network is done in order: two partings of one host add up. */
  private network: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly units: ReadonlyMap<string, Unit>,
    private readonly info: LabInfo,
  ) {}

  status(): LabStatus {
    return {
      info: this.info,
      cut: [
        ...this.cut,
        ...[...this.dropped].flatMap(([host, peers]) =>
          [...peers.keys()].map((peer) => `${host} from ${peer}`),
        ),
      ],
      units: [...this.units.values()].map((unit) => unit.status()),
    };
  }

  /**
   * @param from with `cut`: the host, or the process, that the target is to be cut off from; all where there is none
   * @throws CodedError `LAB_UNKNOWN_HOST` when the lab has nothing of that name, `LAB_COMMAND_FAILED` or
   *   `LAB_START_FAILED` when it cannot be done.
   */
  async perform(operation: Operation, target: string, from?: string): Promise<OperationDone> {
    switch (operation) {
      case 'kill':
        return { at: await this.unit(target).kill() };
      case 'hang':
        return { at: this.unit(target).signal('SIGSTOP') };
      case 'cut':
        return this.inOrder(() =>
          from === undefined ? this.connect(target, false) : this.part(target, from),
        );
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
    return this.inOrder(() => this.connect(target, true));
  }

  private inOrder(work: () => Promise<OperationDone>): Promise<OperationDone> {
    const result = this.network.then(work);
    this.network = result.catch(() => undefined);
    return result;
  }

  private async connect(host: string, connected: boolean): Promise<OperationDone> {
    await setConnected(this.host(host), connected);
    if (connected && this.dropped.delete(host)) await setDropped(host, []);
    if (connected) this.cut.delete(host);
    else this.cut.add(host);
    return { at: now() };
  }

  private async part(host: string, from: string): Promise<OperationDone> {
    this.host(host);
    const peers = new Map(this.dropped.get(host)).set(from, this.peer(from));
    await setDropped(host, [...peers.values()]);
    this.dropped.set(host, peers);
    return { at: now() };
  }

  /** A process on a host that it shares is known by its ports; any other is its host. */
  private peer(name: string): Peer {
    const unit = this.units.get(name);
    if (unit === undefined || unit.spec.host === name) return { ...this.host(name), ports: [] };
    const ports = unit.spec.ports;
    if (ports === undefined)
      throw codedError('LAB_COMMAND_FAILED', `${name} shares its host, and has no ports to tell it by`);
    return { ...this.host(unit.spec.host), ports };
  }

  private host(name: string): LabInfo['hosts'][string] {
    const host = this.info.hosts[name];
    if (host === undefined) throw this.unknown(name, Object.keys(this.info.hosts));
    return host;
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
