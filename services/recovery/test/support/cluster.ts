import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Bus, subjects } from '@reinvite/bus';
import { connectPool, database, dialogs, type Pool } from '@reinvite/db';
import {
  ledgerBarrier,
  nodeDown,
  recoveryReply,
  type BridgeObserved,
  type CallFact,
  type Heartbeat,
  type LegObserved,
  type NodeDown,
  type RecoveryReply,
} from '@reinvite/domain';
import { EventCodec, EventStore } from '@reinvite/event-store';
import { createLogger, isCoded, parseConfig, type Config } from '@reinvite/runtime';
import { eventually, startBackends } from '@reinvite/test-support';
import { sql } from 'drizzle-orm';
import { recovery } from '../../src/index.js';
import { FakeWorker } from './fake-worker.js';

const log = createLogger('test', process.env.REINVITE_TEST_LOG ?? 'silent');

/** So many that two which die are no mass failure. */
const NODES = ['ast1', 'ast2', 'ast3', 'ast4', 'ast5'];

export interface AuditRow extends Record<string, unknown> {
  readonly recovery_id: string;
  readonly call_id: string;
  readonly node_id: string;
  readonly call_kind: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly target: string | null;
  readonly attempts: number;
  readonly trigger: string;
}

/** A cluster as recovery sees it: nodes that beat, a ledger that answers, an ari-worker; and recovery itself, any number of replicas. */
export class Cluster {
  readonly worker: FakeWorker;
  private readonly stopping = new AbortController();
  private readonly beating = new Map<string, Heartbeat>();
  private readonly replicas: (() => Promise<void>)[] = [];
  private readonly timer: NodeJS.Timeout;
  private published = 0;

  private constructor(
    private readonly backends: Awaited<ReturnType<typeof startBackends>>,
    readonly pool: Pool,
    readonly bus: Bus,
  ) {
    this.worker = new FakeWorker(bus);
    this.timer = setInterval(
      () => this.beating.forEach((beat) => bus.publish(subjects.heartbeat(beat.nodeId), beat)),
      50,
    );
    bus.respond(
      subjects.ledgerBarrier,
      ledgerBarrier,
      async () => ({ status: 'flushed', ledgerId: 'fake-ledger', flushedAt: Date.now(), dialogs: 0 }),
      () => ({ status: 'failed', ledgerId: 'fake-ledger', code: 'MESSAGE_INVALID', message: '' }),
    );
  }

  static async start(): Promise<Cluster> {
    const backends = await startBackends();
    const pool = connectPool(backends.postgresUrl, { applicationName: 'test', log });
    const stopping = new AbortController();
    const bus = await Bus.connect({
      servers: [backends.natsUrl],
      name: 'test',
      log,
      signal: stopping.signal,
    });
    const cluster = new Cluster(backends, pool, bus);
    cluster.stopping.signal.addEventListener('abort', () => stopping.abort());
    void cluster.worker.run();
    return cluster;
  }

  get natsUrl(): string {
    return this.backends.natsUrl;
  }

  /**
   * A replica of the service.
   * @param sections further sections of the configuration.
   * @returns how to stop it.
   */
  replica(settings: Partial<Config['recovery']> = {}, sections: object = {}): () => Promise<void> {
    const controller = new AbortController();
    // As the process does that runs services.
    setMaxListeners(0, controller.signal);
    const config = this.config(settings, sections);
    const running = recovery({ config, log, signal: controller.signal });
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      controller.abort(new Error('stopped by the test'));
      return (stopped ??= running.catch((error: unknown) => {
        if (!controller.signal.aborted) throw error;
      }));
    };
    this.replicas.push(stop);
    return stop;
  }

  /** The node's heartbeats from now on; null: it falls silent. */
  beats(nodeId: string, change: Partial<Heartbeat> | null = {}): void {
    if (change === null) this.beating.delete(nodeId);
    else this.beating.set(nodeId, { ...heartbeatOf(nodeId), ...change });
  }

  /** @returns the sequence of the last fact. */
  async observe(...facts: CallFact[]): Promise<number> {
    const acks = await Promise.all(
      facts.map((fact) =>
        this.bus.publishDurable(subjects.callFact(fact.nodeId), fact, `fact-${(this.published += 1)}`),
      ),
    );
    return acks.at(-1)?.seq ?? 0;
  }

  /** The dialogs of legs as a ledger would have written them. */
  async ledgerHas(
    legs: readonly LegObserved[],
    change: Partial<typeof dialogs.$inferInsert> = {},
  ): Promise<void> {
    const now = new Date();
    await database(this.pool)
      .insert(dialogs)
      .values(
        legs.map((leg) => ({
          callId: leg.sipCallId,
          localTag: `local-${leg.sipCallId}`,
          remoteTag: `remote-${leg.sipCallId}`,
          role: 'uas' as const,
          state: 'confirmed' as const,
          nodeId: leg.nodeId,
          localDisplayName: '',
          localUri: 'sip:us@edge',
          remoteDisplayName: '',
          remoteUri: 'sip:phone@edge',
          localCseq: 2,
          remoteCseq: 1,
          routeSet: ['<sip:10.0.0.1;lr>'],
          remoteTarget: 'sip:phone@10.0.0.9:5060',
          localContact: null,
          transport: 'udp',
          digestChallenged: false,
          unsure: [],
          createdAt: now,
          updatedAt: now,
          confirmedAt: now,
          endedAt: null,
          evidence: {},
          ...change,
        })),
      )
      .onConflictDoUpdate({
        target: [dialogs.callId, dialogs.localTag, dialogs.remoteTag],
        set: { nodeId: sql`excluded.node_id`, ...change },
      });
  }

  /** What the sentinel records of a death before it publishes it. */
  async records(nodeId: string, change: Partial<NodeDown> = {}): Promise<void> {
    const store = new EventStore({ pool: this.pool, codec: new EventCodec({ schema: nodeDown }) });
    const streamId = `node-${nodeId}`;
    const at = Date.now();
    const down: NodeDown = {
      type: 'NodeDown',
      nodeId,
      incarnation: lifeOf(nodeId),
      at,
      evidence: 'process-gone',
      lastFactSeq: null,
      ...change,
    };
    const expectedVersion = (await store.readStream(streamId)).length;
    await store.append({ streamId, expectedVersion, events: [{ id: randomUUID(), event: down }] });
  }

  /** The sentinel's verdict, and the silence that goes with it. */
  async dies(nodeId: string, lastFactSeq: number | null, change: Partial<NodeDown> = {}): Promise<void> {
    this.beats(nodeId, null);
    const at = Date.now();
    const down: NodeDown = {
      type: 'NodeDown',
      nodeId,
      incarnation: lifeOf(nodeId),
      at,
      evidence: 'process-gone',
      lastFactSeq,
      ...change,
    };
    await this.bus.publishDurable(subjects.nodeDown(nodeId), down, `down-${(this.published += 1)}`);
  }

  /** Asks until somebody listens. */
  request(request: Record<string, unknown>): Promise<RecoveryReply> {
    const idempotencyKey = `key-${(this.published += 1)}`;
    const whole = { reason: 'test', requestedBy: 'tester', idempotencyKey, ...request };
    return eventually('an answer', async () => {
      try {
        return await this.bus.request(subjects.recoveryRequest, whole, recoveryReply, 20_000);
      } catch (error) {
        if (isCoded(error, 'REQUEST_TIMEOUT')) return null;
        throw error;
      }
    });
  }

  async audit(): Promise<AuditRow[]> {
    const { rows } = await database(this.pool).execute<AuditRow>(
      sql`select * from audit_recoveries order by call_id`,
    );
    return rows;
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((stop) => stop()));
    clearInterval(this.timer);
    this.stopping.abort(new Error('stopped by the test'));
    await this.bus.close();
    await this.pool.end();
    await this.backends.stop();
  }

  private config(settings: Partial<Config['recovery']>, sections: object): Config {
    const ari = { url: 'http://127.0.0.1:8088', username: 'unused', password: 'unused' };
    return parseConfig({
      nats: { servers: [this.backends.natsUrl] },
      postgres: { url: this.backends.postgresUrl },
      nodes: NODES.map((id, index) => ({ id, sipAddresses: [`127.0.0.${index + 1}`], ari })),
      recovery: settings,
      ...sections,
    });
  }
}

/** The incarnation that a node has throughout a test. */
export function lifeOf(nodeId: string): string {
  return `life-of-${nodeId}`;
}

function heartbeatOf(nodeId: string): Heartbeat {
  return {
    type: 'Heartbeat',
    nodeId,
    incarnation: lifeOf(nodeId),
    at: Date.now(),
    intervalMs: 1_000,
    asterisk: 'up',
    liveChannels: 0,
    recoveryModule: true,
  };
}

/** A leg in an ARI application. */
export function leg(nodeId: string, channelId: string, change: Partial<LegObserved> = {}): LegObserved {
  return {
    type: 'LegObserved',
    nodeId,
    incarnation: lifeOf(nodeId),
    at: 2_000,
    channelId,
    channelName: `PJSIP/edge-${channelId}`,
    endpoint: 'edge',
    sipCallId: `${channelId}@phone`,
    state: 'Up',
    createdAt: 1_000,
    caller: { name: '', number: '100' },
    accountCode: '',
    language: 'en',
    dialplan: {
      context: 'from-edge',
      extension: 'app-1',
      priority: 2,
      appName: 'Stasis',
      appData: 'demo,app',
    },
    stasisApp: 'demo',
    dialedBy: null,
    ...change,
  };
}

/** Caller and callee of `Dial`, and their bridge. */
export function dialPair(
  nodeId: string,
  name: string,
  dialData: string,
): [LegObserved, LegObserved, BridgeObserved] {
  const at = { context: 'from-edge', extension: 'dial-1', priority: 3 };
  return [
    leg(nodeId, `${name}-caller`, {
      stasisApp: null,
      dialplan: { ...at, appName: 'Dial', appData: dialData },
    }),
    leg(nodeId, `${name}-callee`, {
      stasisApp: null,
      createdAt: 1_500,
      dialedBy: `${name}-caller`,
      dialplan: {
        context: 'from-edge',
        extension: '',
        priority: 1,
        appName: 'AppDial',
        appData: '(Outgoing Line)',
      },
    }),
    bridge(nodeId, `${name}-bridge`, [`${name}-caller`, `${name}-callee`], { bridgeClass: 'basic' }),
  ];
}

export function bridge(
  nodeId: string,
  bridgeId: string,
  channelIds: string[],
  change: Partial<BridgeObserved> = {},
): BridgeObserved {
  return {
    type: 'BridgeObserved',
    nodeId,
    incarnation: lifeOf(nodeId),
    at: 2_000,
    bridgeId,
    bridgeType: 'mixing',
    bridgeClass: 'stasis',
    creator: 'Stasis',
    name: 'pair',
    channelIds,
    ...change,
  };
}
