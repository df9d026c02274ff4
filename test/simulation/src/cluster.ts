import { Node } from './asterisk/node.js';
import { Phone } from './asterisk/phone.js';
import { Nats } from './bus/server.js';
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
  private readonly replicas = new Map<string, RecoveryReplica>();
  private readonly starters = new Map<string, () => Process>();

  constructor(
    private readonly world: World,
    private readonly scenario: Scenario,
    wrong: Wrong,
  ) {
    const { config, recoveries, workers, sentinels } = scenario;
    this.nats = new Nats(world);
    this.postgres = new Postgres(world);
    this.operator = new Operator(world, this.postgres, wrong);
    this.witness = new Witness(
      () => world.time.now,
      () => this.nodes.values(),
    );
    const { nats, postgres, nodes, phones, starters } = this;
    const services: Services = { world, config, nats, postgres, nodes, phones, wrong };
    const surroundings = {
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
  }

  /** From when on an Asterisk that answers nothing counts as hung, ms. */
  get hangAfterMs(): number {
    return this.scenario.config.sentinel.hangAfterMs;
  }

  /** Whether the phones of this run do as they are asked. */
  get isPolite(): boolean {
    return this.scenario.manners === POLITE;
  }

  /** How many targets a recovery tries. */
  get maxAttempts(): number {
    return this.scenario.config.recovery.maxAttempts;
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
    if (this.processes.get(name)?.alive === true) return;
    const starter = this.starters.get(name);
    if (starter === undefined) throw new RangeError(`no process ${name}`);
    this.world.trace.note(name, 'started');
    this.processes.set(name, starter());
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
