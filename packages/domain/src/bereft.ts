import { z } from 'zod';
import { epochMs, incarnation, nodeId } from './node.js';

/** What is done with a leg whose peers cannot return. */
export const bereftTreatment = z.discriminatedUnion('do', [
  /** Hung up, with this Q.850 cause. */
  z.object({ do: z.literal('end'), cause: z.number().int().min(1).max(127) }),
  /** Hears music on hold, and is hung up after so long where nobody has come. */
  z.object({ do: z.literal('hold'), musicOnHold: z.string().min(1), forMs: z.number().int().positive() }),
  /** Handed to an ARI application. */
  z.object({ do: z.literal('application'), app: z.string().min(1), args: z.array(z.string()) }),
  /** Handed to the dialplan. */
  z.object({
    do: z.literal('dialplan'),
    context: z.string().min(1),
    extension: z.string().min(1),
    priority: z.number().int().positive(),
  }),
]);
export type BereftTreatment = z.infer<typeof bereftTreatment>;

/** Command to an ari-worker: see to a leg whose peers cannot return. Done twice it is done once. */
export const tendBereft = z.object({
  type: z.literal('TendBereft'),
  commandId: z.string().min(1),
  recoveryId: z.string().min(1),
  callId: z.string().min(1),
  attempt: z.number().int().positive(),
  target: nodeId,
  targetIncarnation: incarnation,
  channelId: z.string().min(1),
  /** ARI bridge that it is in: where somebody else is in it by now, it is left alone. */
  bridgeId: z.string().nullable(),
  treatment: bereftTreatment,
  /** Ends a hold before it: music may play in the bridge, also where somebody else is in it by now. */
  endsHold: z.literal(true).optional(),
  /** After this moment nobody tries it any more. */
  notAfter: epochMs,
});
export type TendBereft = z.infer<typeof tendBereft>;

/** How that went: `not-alone`, somebody else was there; `gone`, it had hung up; `refused`, Asterisk would not. */
export const bereftResult = z.enum(['done', 'not-alone', 'gone', 'refused']);
export type BereftResult = z.infer<typeof bereftResult>;
