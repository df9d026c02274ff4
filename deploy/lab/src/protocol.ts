/** What starter, supervisor and command line say to each other: one JSON object a line. */
import { ERROR_TABLE, type ErrorCode } from '@reinvite/runtime';
import { z } from 'zod';
import { HOST_ROLES } from './layout.js';
import { labSpec } from './options.js';

const errorCode = z.string().refine((code): code is ErrorCode => code in ERROR_TABLE);

export const labInfo = z.object({
  name: z.string(),
  /** Process that stands for the lab on the machine: when it is gone, so is the lab. */
  pid: z.number().int(),
  subnet: z.string(),
  hosts: z.record(
    z.string(),
    z.object({ role: z.enum(HOST_ROLES), address: z.string(), address6: z.string() }),
  ),
  /** Where a phone calls in; absent in a lab of `core` alone. */
  sip: z.string().optional(),
  /** JSON-RPC of the edge's Kamailio; `core` and the machine may ask it. */
  edgeRpc: z.string().optional(),
  /** With a login that may do everything, where Reinvite's services have logins of their own. */
  nats: z.string(),
  /** How a client of NATS has to be told to trust it; absent where there is no TLS. */
  natsTls: z.object({ caFile: z.string() }).optional(),
  postgres: z.string(),
  ari: z.record(z.string(), z.object({ url: z.string(), username: z.string(), password: z.string() })),
  logs: z.string(),
  /** Directory that every host sees as /lab. */
  shared: z.string(),
  /** Configuration of Reinvite's services for this lab. */
  config: z.string().optional(),
});
/** Names and addresses of a running lab. */
export type LabInfo = z.infer<typeof labInfo>;

/** Starter → supervisor, on the socket the supervisor inherits. The starter's end of it holds the lab. */
export const starterMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('launch'), spec: labSpec, layers: z.string(), pid: z.number().int() }),
  /** The lab outlives its starter from now on. */
  z.object({ type: z.literal('detach') }),
]);
export type StarterMessage = z.infer<typeof starterMessage>;

/** Supervisor → starter. */
export const supervisorMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), line: z.string() }),
  z.object({ type: z.literal('ready'), info: labInfo }),
  z.object({ type: z.literal('failed'), code: errorCode, message: z.string() }),
]);
export type SupervisorMessage = z.infer<typeof supervisorMessage>;

/** A command to a running lab. `target` names a node, a service or, for cut and heal, any host. */
export const controlRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('status') }),
  z.object({ op: z.literal('down') }),
  z.object({
    op: z.enum(['kill', 'hang', 'cut', 'heal', 'start', 'stop', 'restart']),
    target: z.string(),
    /** With cut: the one host or process that it is to be cut off from. */
    from: z.string().optional(),
  }),
]);
export type ControlRequest = z.infer<typeof controlRequest>;
export type Operation = Exclude<ControlRequest['op'], 'status' | 'down'>;

/** One process that the lab started. */
export const unitStatus = z.object({
  name: z.string(),
  host: z.string(),
  /** Process id on the machine's side is not known here: this one is of the lab's own PID namespace. */
  pid: z.number().int().nullable(),
  state: z.enum(['starting', 'running', 'hung', 'ended', 'stopped']),
  /** How it ended, such as `SIGKILL` or `exit 1`; null while it runs. */
  ended: z.string().nullable(),
  /** When its end was seen, in ms since the epoch; null while it runs. */
  endedAt: z.number().nullable(),
});
export type UnitStatus = z.infer<typeof unitStatus>;

export const labStatus = z.object({
  info: labInfo,
  cut: z.array(z.string()).describe('hosts, and HOST from PEER where it is one peer alone'),
  units: z.array(unitStatus),
});
export type LabStatus = z.infer<typeof labStatus>;

/** When an operation took effect, in ms since the epoch with microseconds as its fraction. */
export const operationDone = z.object({ at: z.number() });
export type OperationDone = z.infer<typeof operationDone>;

export const controlReply = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({ ok: z.literal(false), code: errorCode, message: z.string() }),
]);
export type ControlReply = z.infer<typeof controlReply>;
