import { subjects, type Bus } from '@reinvite/bus';
import {
  flowEffect,
  flowGet,
  flowPut,
  type FlowEffect,
  type FlowEffectReply,
  type FlowGetReply,
  type FlowPutReply,
  type FlowRefusal,
  type Json,
} from '@reinvite/domain';
import { isCoded, type FlowConfig } from '@reinvite/runtime';
import type { FlowStore } from './flow-store.js';

/** What a request has beside the state: Call-ID, key and ids, each with every character escaped. */
const ENVELOPE_BYTES = 4_096;
/** Replicas share the requests. */
const QUEUE = 'recovery';

/** Answers what ARI applications ask about the states of their calls, until the bus closes. docs/flow.md is what they are promised. */
export function answerFlows(
  bus: Pick<Bus, 'respond'>,
  store: Pick<FlowStore, 'put' | 'get' | 'beginEffect' | 'endEffect'>,
  { maxBytes }: FlowConfig,
): void {
  // Whoever escapes all that may be escaped writes six characters for one.
  const options = { queue: QUEUE, maxBytes: 6 * maxBytes + ENVELOPE_BYTES };
  bus.respond(
    subjects.flowPut,
    flowPut,
    async (request): Promise<FlowPutReply> => ({ status: 'done', version: await store.put(request) }),
    refusal,
    options,
  );
  bus.respond(
    subjects.flowGet,
    flowGet,
    async ({ sipCallId }): Promise<FlowGetReply> => {
      const { version, state, effects } = await store.get(sipCallId);
      return { status: 'done', version, state: JSON.parse(state) as Json, effects: [...effects] };
    },
    refusal,
    options,
  );
  bus.respond(subjects.flowEffect, flowEffect, (request) => effectOf(store, request), refusal, options);
}

function effectOf(
  store: Pick<FlowStore, 'beginEffect' | 'endEffect'>,
  request: FlowEffect,
): Promise<FlowEffectReply> {
  const { sipCallId, key, claim } = request;
  switch (request.type) {
    case 'BeginEffect':
      return store.beginEffect(sipCallId, key, claim);
    case 'EndEffect':
      return store.endEffect(sipCallId, key, claim, request.result);
  }
}

function refusal(error: unknown): FlowRefusal {
  if (isCoded(error, 'MESSAGE_INVALID'))
    return { status: 'refused', code: 'FLOW_INVALID', message: error.message };
  if (isCoded(error, 'MESSAGE_TOO_LARGE'))
    return { status: 'refused', code: 'FLOW_TOO_LARGE', message: error.message };
  if (isCoded(error, 'FLOW_VERSION_CONFLICT')) {
    const { code, message, details } = error;
    return { status: 'refused', code, message, version: Number(details.version) };
  }
  if (isCoded(error) && error.class === 'terminal')
    return { status: 'refused', code: error.code, message: error.message };
  return {
    status: 'refused',
    code: 'FLOW_UNAVAILABLE',
    message: 'not just now; the log of recovery says why',
  };
}
