import { z } from 'zod';

/** ARI's timestamps (`2026-01-31T12:00:00.123+0000`) as milliseconds since the Unix epoch. */
export const ariTime = z.string().transform((text, context) => {
  const ms = Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({ code: 'custom', message: `not a time: ${text}` });
  return z.NEVER;
});

const callerId = z.object({ name: z.string().default(''), number: z.string().default('') }).prefault({});

/** A channel, as ARI gives it. */
export const ariChannel = z
  .object({
    id: z.string().min(1),
    name: z.string().min(1),
    state: z.string(),
    protocol_id: z.string().default(''),
    caller: callerId,
    connected: callerId,
    accountcode: z.string().default(''),
    dialplan: z.object({
      context: z.string().default(''),
      exten: z.string().default(''),
      priority: z.number().int().default(0),
      app_name: z.string().default(''),
      app_data: z.string().default(''),
    }),
    creationtime: ariTime,
    language: z.string().default(''),
    channelvars: z.record(z.string(), z.string()).optional(),
  })
  .transform((raw) => ({
    id: raw.id,
    /** `PJSIP/<endpoint>-<number>` and the like. */
    name: raw.name,
    /** `Down`, `Ring`, `Ringing`, `Up`, … */
    state: raw.state,
    /** SIP Call-ID of a PJSIP channel; empty as long as it has none. */
    protocolId: raw.protocol_id,
    caller: raw.caller,
    connected: raw.connected,
    accountCode: raw.accountcode,
    language: raw.language,
    createdAt: raw.creationtime,
    dialplan: {
      context: raw.dialplan.context,
      extension: raw.dialplan.exten,
      priority: raw.dialplan.priority,
      appName: raw.dialplan.app_name,
      appData: raw.dialplan.app_data,
    },
    /** Those named by `channelvars` in `ari.conf`. */
    variables: raw.channelvars ?? {},
  }));
export type AriChannel = z.infer<typeof ariChannel>;

/** A bridge with the ids of all its channels. */
export const ariBridge = z
  .object({
    id: z.string().min(1),
    technology: z.string().default(''),
    bridge_type: z.string(),
    bridge_class: z.string(),
    creator: z.string().default(''),
    name: z.string().default(''),
    channels: z.array(z.string()),
  })
  .transform((raw) => ({
    id: raw.id,
    technology: raw.technology,
    /** `mixing` or `holding`. */
    bridgeType: raw.bridge_type,
    /** `stasis` where ARI made it, `basic` where `Dial` did. */
    bridgeClass: raw.bridge_class,
    creator: raw.creator,
    name: raw.name,
    channelIds: raw.channels,
  }));
export type AriBridge = z.infer<typeof ariBridge>;

/** What names one life of an Asterisk process. */
export const asteriskInfo = z
  .object({
    system: z.object({ entity_id: z.string().default(''), version: z.string().default('') }).prefault({}),
    status: z.object({ startup_time: ariTime }),
  })
  .transform((raw) => ({
    entityId: raw.system.entity_id,
    version: raw.system.version,
    /** Epoch ms. */
    startedAt: raw.status.startup_time,
    /** `startedAt` in base 10: the name of this life of the process. */
    incarnation: String(raw.status.startup_time),
  }));
export type AsteriskInfo = z.infer<typeof asteriskInfo>;
