import {
  callFlowEffects,
  callFlows,
  database,
  inTransaction,
  withPostgresErrors,
  type Pool,
} from '@reinvite/db';
import type { FlowEffectReply, FlowPut, Json, KnownEffect } from '@reinvite/domain';
import { codedError, type FlowConfig } from '@reinvite/runtime';
import { and, asc, eq, isNull, sql } from 'drizzle-orm';

/** What is kept of one leg; `version` 0 and `state` `null`: no state was put. `state`: JSON. */
export interface StoredFlow {
  readonly version: number;
  readonly state: string;
  readonly effects: readonly KnownEffect[];
}

type Answer = Exclude<FlowEffectReply, { readonly status: 'refused' }>;

/**
 * The states and effects of ARI applications, in Postgres. Every method throws the coded errors of `withPostgresErrors`, and
 * may be called again after one of them, by the same id or claim.
 */
export class FlowStore {
  constructor(
    private readonly pool: Pool,
    private readonly limits: FlowConfig,
  ) {}

  /**
   * Stores a state.
   * @returns its version.
   * @throws CodedError `FLOW_VERSION_CONFLICT` with `details.version`, `FLOW_TOO_LARGE`.
   */
  async put({ sipCallId, state, expectedVersion, putId }: FlowPut): Promise<number> {
    const json = this.sized(state);
    const id = putId ?? null;
    const isNew = expectedVersion === undefined || expectedVersion === 0;
    return inTransaction(this.pool, async (tx) => {
      const { rows } = await tx.execute<{ version: number }>(
        isNew
          ? sql`insert into call_flows as f (sip_call_id, version, state, put_id, created_at, updated_at)
              values (${sipCallId}, 1, ${json}, ${id}, now(), now())
              on conflict (sip_call_id) do update set version = f.version + 1, state = excluded.state,
                put_id = excluded.put_id, updated_at = now()
              where ${expectedVersion === undefined} and (f.put_id is null or f.put_id is distinct from excluded.put_id)
              returning f.version`
          : sql`update call_flows set version = version + 1, state = ${json}, put_id = ${id}, updated_at = now()
              where sip_call_id = ${sipCallId} and version = ${expectedVersion} returning version`,
      );
      const [stored] = rows;
      if (stored !== undefined) return stored.version;
      const [there] = await tx.select().from(callFlows).where(eq(callFlows.sipCallId, sipCallId));
      if (there !== undefined && id !== null && there.putId === id) return there.version;
      const version = there?.version ?? 0;
      throw codedError('FLOW_VERSION_CONFLICT', `the state is of version ${version}`, { version });
    });
  }

  async get(sipCallId: string): Promise<StoredFlow> {
    const db = database(this.pool);
    const [[flow], effects] = await withPostgresErrors(() =>
      Promise.all([
        db.select().from(callFlows).where(eq(callFlows.sipCallId, sipCallId)),
        db
          .select()
          .from(callFlowEffects)
          .where(eq(callFlowEffects.sipCallId, sipCallId))
          .orderBy(asc(callFlowEffects.begunAt), asc(callFlowEffects.key)),
      ]),
    );
    return {
      version: flow?.version ?? 0,
      state: flow?.state ?? 'null',
      effects: effects.map(({ key, result }) =>
        result === null ? { key, status: 'begun' } : { key, status: 'done', result: parsed(result) },
      ),
    };
  }

  /**
   * Puts an effect on record before it is done.
   * @returns `begun` where it is the claim's to do, be it asked again; `done` with its result; `unknown` where another claim has
   * begun it.
   * @throws CodedError `FLOW_TOO_MANY_EFFECTS`.
   */
  async beginEffect(sipCallId: string, key: string, claim: string): Promise<Answer> {
    const { maxEffects } = this.limits;
    return inTransaction(this.pool, async (tx) => {
      const { rows } = await tx.execute(
        sql`insert into call_flow_effects (sip_call_id, key, claim, begun_at)
          select ${sipCallId}, ${key}, ${claim}, now()
          where (select count(*) from call_flow_effects where sip_call_id = ${sipCallId}) < ${maxEffects}
          on conflict do nothing returning key`,
      );
      if (rows.length > 0) return { status: 'begun' };
      const [there] = await tx.select().from(callFlowEffects).where(isEffect(sipCallId, key));
      if (there === undefined)
        throw codedError('FLOW_TOO_MANY_EFFECTS', `a call may have ${maxEffects} effects`);
      if (there.result !== null) return { status: 'done', result: parsed(there.result) };
      return { status: there.claim === claim ? 'begun' : 'unknown' };
    });
  }

  /**
   * Stores what came of an effect.
   * @returns `done`, also where it had been told before; then the result is the earlier one.
   * @throws CodedError `FLOW_EFFECT_NOT_BEGUN` where the claim has not begun it, `FLOW_TOO_LARGE`.
   */
  async endEffect(sipCallId: string, key: string, claim: string, result: Json): Promise<Answer> {
    const json = this.sized(result);
    const isClaimed = and(isEffect(sipCallId, key), eq(callFlowEffects.claim, claim));
    return inTransaction(this.pool, async (tx) => {
      await tx
        .update(callFlowEffects)
        .set({ result: json, doneAt: sql`now()` })
        .where(and(isClaimed, isNull(callFlowEffects.result)));
      const [there] = await tx.select().from(callFlowEffects).where(isClaimed);
      if (there === undefined || there.result === null)
        throw codedError('FLOW_EFFECT_NOT_BEGUN', 'the effect was not begun by this claim');
      return { status: 'done', result: parsed(there.result) };
    });
  }

  private sized(value: Json): string {
    const { maxBytes } = this.limits;
    const json = written(value);
    const bytes = Buffer.byteLength(json);
    if (json === '' || bytes > maxBytes)
      throw codedError('FLOW_TOO_LARGE', `${bytes} bytes, and ${maxBytes} are allowed`, { bytes });
    return json;
  }
}

function isEffect(sipCallId: string, key: string) {
  return and(eq(callFlowEffects.sipCallId, sipCallId), eq(callFlowEffects.key, key));
}

/** Empty where it is nested deeper than can be written, which takes more bytes than any limit allows. */
function written(value: Json): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '';
  }
}

/** It was checked before it was stored. */
function parsed(json: string): Json {
  return JSON.parse(json) as Json;
}
