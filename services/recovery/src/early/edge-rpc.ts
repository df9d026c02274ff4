import { codedError } from '@reinvite/runtime';
import { z } from 'zod';

/** The edge could not route the call on (RFC 3261 section 21.5.1); with 503 a phone might avoid the edge itself for a while. */
const STATUS = 500;
const PHRASE = 'Server Lost';
const TIMEOUT_MS = 1_000;

const reply = z.object({
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string().default('') }).optional(),
});
/** Of Kamailio's RPC: there is no such transaction. */
const NOT_FOUND = 404;

/** An INVITE transaction at the edge. */
export interface PendingInvite {
  readonly sipCallId: string;
  readonly inviteCseq: number;
}

/**
 * Ends a pending INVITE at an edge: Kamailio's `tm.reply_callid` gives its sender a final answer, and cancels it towards a
 * phone that rings (RFC 3261 section 16.10).
 * @param tag To tag of the answer.
 * @returns false where the edge does not know the transaction: it is over.
 * @throws CodedError `EDGE_FAILED`
 */
export async function endInvite(
  rpcUrl: string,
  { sipCallId, inviteCseq }: PendingInvite,
  tag: string,
): Promise<boolean> {
  // The last two: no further header fields, no body.
  const params = [STATUS, PHRASE, sipCallId, String(inviteCseq), tag, '', ''];
  const { error } = await call(rpcUrl, 'tm.reply_callid', params);
  if (error === undefined) return true;
  if (error.code === NOT_FOUND) return false;
  throw refused(rpcUrl, error);
}

/** Calls a method of an edge's JSON-RPC. @throws CodedError `EDGE_FAILED`, also where the edge refuses. */
export async function askEdge(
  rpcUrl: string,
  method: string,
  params: readonly unknown[] = [],
): Promise<{ readonly result: unknown }> {
  const { result, error } = await call(rpcUrl, method, params);
  if (error !== undefined) throw refused(rpcUrl, error);
  return { result };
}

function refused(
  rpcUrl: string,
  { code, message }: { readonly code: number; readonly message: string },
): Error {
  return codedError('EDGE_FAILED', `the edge refused: ${message}`, { rpcUrl, code });
}

async function call(
  rpcUrl: string,
  method: string,
  params: readonly unknown[],
): Promise<z.infer<typeof reply>> {
  const request = { jsonrpc: '2.0', id: 1, method, params };
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return reply.parse(await response.json());
  } catch (cause) {
    throw codedError('EDGE_FAILED', 'the edge does not answer as its JSON-RPC should', { rpcUrl }, cause);
  }
}
