import { policyOf } from '@reinvite/runtime';
import { Node } from './asterisk/node.js';
import { Phone } from './asterisk/phone.js';
import { Nats } from './bus/server.js';
import { Wellness } from './judge/wellness.js';
import { Witness } from './judge/witness.js';
import { POLITE, type Scenario } from './scenario.js';
import { startAgent } from './services/agent.js';
import { Operator } from './services/operator.js';
import { startLedger } from './services/ledger.js';
import { startRecovery, type RecoveryReplica } from './services/recovery.js';
import { startSentinel } from './services/sentinel.js';
import type { Services } from './services/services.js';
import { startWorker } from './services/worker.js';
import { Postgres } from './store/server.js';
import type { Process } from './world/process.js';
import type { World } from './world/world.js';
import type { Wrong } from './wrong.js';

const APP = 'demo';
const BOOT_MS = [1_000, 4_000] as const;

/** Everything that runs in a run: Asterisks and phones, NATS and Postgres, and the processes of Reinvite. */
export class Cluster {
  readonly nodes = new Map<string, Node>();
  readonly phones: Phone[] = [];
  /** The phones of each call. */
  readonly calls: Phone[][] = [];
  readonly witness: Witness;
  readonly nats: Nats;
  readonly postgres: Postgres;
  readonly operator: Operator;
  readonly processes = new Map<string, Process>();
  readonly wellness: Wellness;
  private readonly starting = new Set<string>();
  private readonly replicas = new Map<string, RecoveryReplica>();
  private readonly starters = new Map<string, () => Process>();

  constructor(
    private readonly world: World,
    private readonly scenario: Scenario,
    wrong: Wrong,
  ) {
    const { config, recoveries, workers, sentinels } = scenario;
    const { random } = world;
    this.nats = new Nats(world);
    this.postgres = new Postgres(world);
    this.operator = new Operator(world, this.nats, scenario.answers);
    this.witness = new Witness(
      () => world.time.now,
      () => this.nodes.values(),
    );
    const { nats, postgres, nodes, phones, starters } = this;
    const services: Services = {
      ...{ world, config, nats, postgres, nodes, phones, wrong },
      majorityOf: (sentinel) => this.wellness.majorityOf(sentinel),
      agents: { lose: (nodeId) => this.powerOff(nodeId, random.int(...BOOT_MS)) },
    };
    const surroundings = {
      troublesOf: (nodeId: string) => this.wellness.of(nodeId),
      phoneOf: (sipCallId: string) => phones.find((one) => one.sipCallId === sipCallId),
      witness: this.witness.hooks,
    };
    for (const { id } of config.nodes) nodes.set(id, new Node(world, id, surroundings));
    for (const node of nodes.values()) starters.set(`agent-${node.id}`, () => startAgent(services, node));
    starters.set('ledger', () => startLedger(services));
    for (const name of named('sentinel', sentinels)) starters.set(name, () => startSentinel(services, name));
    for (const name of named('worker', workers)) starters.set(name, () => startWorker(services, name));
    for (const name of named('recovery', recoveries))
      starters.set(name, () => {
        const replica = startRecovery(services, name);
        this.replicas.set(name, replica);
        return replica.process;
      });
    this.wellness = new Wellness(world, {
      ...{ nodes, nats, processes: this.processes, sentinels: named('sentinel', sentinels) },
    });
    world.time.owner = undefined;
  }

  /** Whether the run goes on after days. */
  get goesOn(): boolean {
    return this.scenario.goesOn;
  }

  get config(): Scenario['config'] {
    return this.scenario.config;
  }

  /** From when on a call that has killed nodes goes to no other. */
  get crashLimit(): { readonly nodes: number; readonly withinMs: number } {
    return policyOf(this.config, 'default').crashLimit;
  }

  /** Whether the phones of this run do as they are asked. */
  get isPolite(): boolean {
    return this.scenario.manners === POLITE;
  }

  /** Names of the processes that can be killed. */
  get names(): readonly string[] {
    return [...this.starters.keys()];
  }

  /** Machines that the living replicas of recovery keep. */
  get machines(): RecoveryReplica['machines'][] {
    return [...this.replicas.values()].filter(({ process }) => process.alive).map(({ machines }) => machines);
  }

  begin(): void {
    for (const node of this.nodes.values()) node.start();
    this.seatCalls();
    for (const name of this.names) this.start(name);
  }

  /** Starts a process that does not run. */
  start(name: string): void {
    if (this.processes.get(name)?.alive === true || this.starting.has(name)) return;
    const starter = this.starters.get(name);
    if (starter === undefined) throw new RangeError(`no process ${name}`);
    this.starting.add(name);
    // In a turn of its own: what it does there is its own work.
    this.world.time.later(0, () => {
      this.starting.delete(name);
      this.world.trace.note(name, 'started');
      this.processes.set(name, starter());
    });
  }

  /** A machine with an Asterisk loses its power; its agent is there again after `bootMs`. */
  powerOff(nodeId: string, bootMs: number): void {
    this.world.trace.note(nodeId, 'loses its power');
    this.nodes.get(nodeId)?.machine.lose();
    this.kill(`agent-${nodeId}`);
    this.world.time.later(bootMs, () => this.start(`agent-${nodeId}`));
  }

  kill(name: string): void {
    this.processes.get(name)?.kill();
  }

  /** The phone hangs up; its BYE goes to whoever has its dialog. */
  hangUp(phone: Phone): void {
    if (phone.endedAt !== null) return;
    phone.hangUp();
    const { nodeId, incarnation } = phone.owner;
    this.world.network.send('edge', nodeId, `sip ${incarnation}`, () =>
      this.nodes.get(nodeId)?.lifeOf(incarnation)?.onBye(phone),
    );
  }

  private seatCalls(): void {
    const { random, trace, time } = this.world;
    const ids = [...this.nodes.keys()];
    this.scenario.calls.forEach((legs, call) => {
      const life = this.nodes.get(random.pick(ids))?.life;
      if (life === undefined) return;
      const phones: Phone[] = [];
      this.calls.push(phones);
      const channelIds = Array.from({ length: legs }, (_, leg) => {
        const name = `phone-${call}-${leg}`;
        const { manners } = this.scenario;
        const phone = new Phone(name, `${name}@phones`, life, random, trace, () => time.now, manners);
        this.phones.push(phone);
        phones.push(phone);
        const channelId = `call-${call}-${leg}`;
        life.seat(channelId, phone, APP);
        return channelId;
      });
      if (legs > 1) life.bridges.seat(`bridge-${call}`, channelIds);
    });
  }
}

function named(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`);
}
