import { Bus, subjects } from '@reinvite/bus';
import { heartbeat } from '@reinvite/domain';
import { startLab, type Lab, type LabOptions } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';
import {
  eligibleCalls,
  establishedAt,
  isOver,
  isTalkingAt,
  nodeAt,
  Phones,
  phonesOf,
  startDemoApp,
  type CallPlan,
  type Crash,
  type ObservedCall,
  type Observation,
} from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import pg from 'pg';
import { describeCalls, describeCrash } from './describe.js';
import { untilNoneUnderWay, untilOnRecord } from './record.js';
import { LISTEN_MS } from './rounds.js';

const NOW = Infinity;
/** Far more than it takes: a machine that is busy with all of a lab may be slow, and the phones talk until they are told. */
const BACK_TIMEOUT_MS = 60_000;
/** Longer than any play: the phones hang up when they are told ({@link Scene.hangUp}), and by themselves should nobody tell them. */
export const HOLD_MS = 900_000;
const FIT_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 120_000;

/** A lab with Reinvite, the ARI application and phones: what every end-to-end test plays on. */
export class Scene {
  private constructor(
    readonly lab: Lab,
    readonly phones: Phones,
    readonly db: pg.Pool,
  ) {}

  /** @param options of the lab; three nodes where they do not say. */
  static async open(options: Omit<LabOptions, 'only' | 'reinvite'> = {}): Promise<Scene> {
    const lab = await startLab({ nodes: 3, ...options });
    await startDemoApp(lab);
    const db = new pg.Pool({ connectionString: lab.info.postgres, max: 2 });
    // A test may stop Postgres; the pool opens another connection by itself.
    db.on('error', () => undefined);
    return new Scene(lab, await Phones.start(lab), db);
  }

  /**
   * Makes the calls; resolves when all of their phones talk and Reinvite has them on record.
   * @returns the numbers of the calls, in order.
   */
  async call(plans: readonly CallPlan[]): Promise<string[]> {
    const numbers = await this.phones.call(plans, { perSecond: 10 });
    await this.phones.until('all calls to be established', (calls) =>
      numbers.every((number) => {
        const call = calls.find((one) => one.number === number);
        return (
          call !== undefined &&
          phonesOf(call).length === phonesWanted(call) &&
          phonesOf(call).every(isEstablished)
        );
      }),
    );
    await this.onRecord();
    return numbers;
  }

  /** Resolves when everything that the phones are talking through is on record, and nothing is under way. */
  async onRecord(): Promise<void> {
    await untilOnRecord(this.db, async () => {
      const talking = (await this.phones.look()).map(
        (call) => phonesOf(call).filter((phone) => isTalkingAt(phone, NOW)).length,
      );
      return {
        legs: talking.reduce((sum, count) => sum + count, 0),
        pairs: talking.filter((count) => count === 2).length,
      };
    });
  }

  /** Starts the Asterisk of a node again; resolves when all who need it for taking calls over have found it. */
  async revive(node: string): Promise<void> {
    const stop = new AbortController();
    const log = createLogger('e2e', 'fatal');
    const bus = await Bus.connect({
      servers: [this.lab.info.nats],
      tls: this.lab.info.natsTls,
      name: 'e2e',
      log,
      signal: stop.signal,
    });
    try {
      let fit = false;
      bus.subscribe(subjects.heartbeat(node), heartbeat, async (beat) => {
        fit = beat.asterisk === 'up' && beat.recoveryModule;
      });
      await this.lab.start(node);
      await eventually(
        `${node} to be fit again`,
        async () => {
          const apps = await this.applications(node);
          return fit && apps.includes('demo') && apps.some((name) => name.startsWith('reinvite-worker'));
        },
        FIT_TIMEOUT_MS,
      );
    } finally {
      stop.abort();
      await bus.close();
    }
  }

  /** Names of the ARI applications that are connected to a node. */
  private async applications(node: string): Promise<string[]> {
    const ari = this.lab.info.ari[node];
    if (ari === undefined) throw new Error(`${node} has no ARI`);
    const authorization = `Basic ${Buffer.from(`${ari.username}:${ari.password}`).toString('base64')}`;
    const answer = await fetch(`${ari.url}/applications`, { headers: { authorization } });
    // 503 while Asterisk boots.
    if (answer.status === 503) return [];
    if (!answer.ok) throw new Error(`ARI of ${node} answers ${answer.status}`);
    const apps = (await answer.json()) as { name: string }[];
    return apps.map(({ name }) => name);
  }

  /** SIGKILL for a node's Asterisk. */
  async crash(node: string): Promise<Crash> {
    const { at } = await this.lab.kill(node);
    return { node, at };
  }

  /** Resolves when every phone that talked through the dead node has answered another one. */
  async untilBack(crash: Crash, timeoutMs = BACK_TIMEOUT_MS): Promise<ObservedCall[]> {
    const isBack = (calls: readonly ObservedCall[]): boolean => {
      const eligible = eligibleCalls(calls, crash);
      const phones = eligible.flatMap(phonesOf).filter((phone) => isTalkingAt(phone, crash.at));
      return (
        eligible.length > 0 && phones.every((phone) => nodeAt(phone, NOW) !== crash.node && isAnswered(phone))
      );
    };
    return this.untilSeen(crash, 'the calls to come back', isBack, timeoutMs);
  }

  /** Resolves when the phones have seen something after a death; tells what they saw instead where they have not. */
  async untilSeen(
    crash: Crash,
    what: string,
    seen: (calls: readonly ObservedCall[]) => boolean,
    timeoutMs: number,
  ): Promise<ObservedCall[]> {
    try {
      return await this.phones.until(what, seen, { timeoutMs });
    } catch (cause) {
      const story = await describeCrash(this.lab, this.db, crash, await this.phones.look());
      throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${story}`, { cause });
    }
  }

  /**
   * Has calls end as their plans say, by default all that there are, once nothing is under way any more and their phones have been
   * listened to for a while after the last re-INVITE. Resolves when they are over.
   */
  async hangUp(only?: readonly string[]): Promise<void> {
    const numbers = only ?? (await this.phones.look()).map(({ number }) => number);
    await untilNoneUnderWay(this.db);
    const own = (calls: readonly ObservedCall[]): ObservedCall[] =>
      calls.filter(({ number }) => numbers.includes(number));
    const isHeard = (calls: readonly ObservedCall[]): boolean =>
      lastInvite(own(calls)) + LISTEN_MS <= Date.now();
    await this.phones.until('the phones to be listened to', isHeard);
    try {
      await this.phones.hangUp(numbers, { timeoutMs: END_TIMEOUT_MS });
    } catch (cause) {
      const open = own(await this.phones.look()).filter((call) => !isOver(call));
      const story = describeCalls(open, 0).join('\n  ');
      throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n  ${story}`, { cause });
    }
  }

  /** Has all calls end ({@link hangUp}), and gives what was seen and heard. The phones are gone afterwards. */
  async untilEnded(): Promise<Observation> {
    await this.hangUp();
    return this.phones.stop();
  }

  async close(): Promise<void> {
    await this.db.end();
    await this.lab.down();
  }
}

type Phone = ObservedCall['caller'];

/** When the last re-INVITE of either side was seen; -Infinity where none was. */
function lastInvite(calls: readonly ObservedCall[]): number {
  const invites = calls
    .flatMap(phonesOf)
    .flatMap(({ requests }) => requests.filter(({ method }) => method === 'INVITE'));
  return Math.max(...invites.map(({ at }) => at));
}

function phonesWanted(call: ObservedCall): number {
  return call.kind === 'app' ? 1 : 2;
}

function isEstablished(phone: Phone): boolean {
  return establishedAt(phone) !== null;
}

function isAnswered(phone: Phone): boolean {
  return phone.requests.every((request) => request.answer !== null);
}
