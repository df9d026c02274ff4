/** What the caller of a failed operation should do: try again, give this one up, or stop the process. */
export type ErrorClass = 'retryable' | 'terminal' | 'fatal';

/** Every coded error of Reinvite, with its class and what it means; `docs/errors.md` is checked against this table. */
export const ERROR_TABLE = {
  CONFIG_UNREADABLE: ['fatal', 'The configuration file cannot be read or is not YAML.'],
  CONFIG_INVALID: ['fatal', 'The configuration does not fit its schema; the message names each wrong key.'],
  NATS_UNREACHABLE: ['retryable', 'NATS does not answer; the service goes on trying.'],
  NATS_PUBLISH_FAILED: ['retryable', 'JetStream did not acknowledge a message.'],
  NATS_FORBIDDEN: [
    'retryable',
    'NATS refused a subject to this account, or the login: its permissions are not those that this release needs (docs/security.md).',
  ],
  NATS_STREAM_MISSING: ['retryable', 'A JetStream stream is not there; run `reinvite migrate`.'],
  MESSAGE_INVALID: ['terminal', 'A message on the bus does not fit its schema; it is dropped and counted.'],
  MESSAGE_TOO_LARGE: [
    'terminal',
    'A message on the bus is longer than is allowed: a request is refused unread, what was to be published (`max_payload` of the NATS servers) is left out.',
  ],
  STREAM_NOT_HANDLED: [
    'retryable',
    'What was read from a stream could not be handled; reading begins again from the checkpoint, and the cause says why.',
  ],
  REQUEST_TIMEOUT: ['retryable', 'A request on the bus got no answer in time.'],
  POSTGRES_UNREACHABLE: ['retryable', 'Postgres does not answer; the service goes on trying.'],
  POSTGRES_BUSY: [
    'retryable',
    'Postgres could not do it just now: a deadlock, a lock or statement timeout, a standby not yet promoted.',
  ],
  POSTGRES_QUERY_FAILED: ['terminal', 'Postgres refused a query.'],
  SCHEMA_OUTDATED: ['retryable', 'The database schema is older than the service; run `reinvite migrate`.'],
  CHECKPOINT_REWOUND: [
    'retryable',
    'A checkpoint is behind what had been read, as after a crash of Postgres; reading begins again from it.',
  ],
  STREAM_VERSION_CONFLICT: ['retryable', 'Another writer appended to the stream first.'],
  EVENT_INVALID: [
    'terminal',
    'An event that was to be recorded does not have the shape that it should; it is not recorded.',
  ],
  EVENT_UNKNOWN: ['terminal', 'A stored event has a type or version that this release does not know.'],
  ARI_UNREACHABLE: ['retryable', 'The HTTP server of an Asterisk does not answer.'],
  ARI_UNAUTHORIZED: ['terminal', 'An Asterisk refused the ARI user or password.'],
  ARI_CONFLICT: ['terminal', 'ARI answered 409: the channel id already exists.'],
  ARI_NOT_FOUND: ['terminal', 'ARI answered 404: the channel, bridge or application is not there.'],
  ARI_REQUEST_FAILED: ['terminal', 'ARI refused a request.'],
  ARI_APPLICATION_TAKEN: [
    'terminal',
    'Another connection took the ARI application: each ari-worker needs a `workerId` of its own.',
  ],
  ARI_EVENT_INVALID: ['terminal', 'An ARI event does not fit its schema; it is dropped.'],
  AMI_UNREACHABLE: ['retryable', 'The manager interface of an Asterisk does not answer.'],
  AMI_UNAUTHORIZED: ['terminal', 'An Asterisk refused the manager user or its secret.'],
  AMI_REQUEST_FAILED: ['terminal', 'The manager interface refused an action.'],
  AMI_MESSAGE_INVALID: [
    'terminal',
    'What was sent is no packet of a manager interface, or longer than any is; the connection is closed.',
  ],
  LEDGER_FAILED: [
    'retryable',
    'A dialog-ledger could not write what it holds when a recovery asked for it; its log says why.',
  ],
  HOMER_UNREACHABLE: ['retryable', 'HOMER does not answer, or its proxy answers in its place.'],
  HOMER_FAILED: [
    'retryable',
    'HOMER refused or failed a query that was in order, as it does when its database is away.',
  ],
  HOMER_ANSWER_INVALID: [
    'retryable',
    'An answer of HOMER is not in the form that its version gives; check `homer.version` if it stays so.',
  ],
  HOMER_UNAUTHORIZED: ['terminal', 'HOMER refused the user, the password or the token.'],
  HOMER_API_MISSING: [
    'terminal',
    'HOMER does not know the path of the API; `homer.version` or `homer.url` is wrong.',
  ],
  HOMER_UNSETTLED: [
    'retryable',
    'HOMER did not give the same complete answer twice before the deadline; nothing is concluded from what it gave.',
  ],
  HEP_TORN: ['terminal', 'A HEP packet is torn or has impossible lengths; it is dropped and counted.'],
  HEP_UNSUPPORTED: [
    'terminal',
    'A HEP packet is of a version or family that cannot be read; it is dropped and counted.',
  ],
  HEP_UNAUTHORIZED: [
    'terminal',
    'A HEP packet does not carry the capture password; it is dropped and counted.',
  ],
  HEP_UNPLACED: [
    'terminal',
    'A HEP packet does not tell which node captured it, or which way its message went; it is dropped and counted.',
  ],
  HEP_CONNECTION_REFUSED: [
    'terminal',
    'A HEP connection over TCP was closed: one too many, or it sent no whole packet in time; it is counted.',
  ],
  LEDGER_FULL: [
    'terminal',
    'The ledger holds as many Call-IDs as it may; the message of another one is dropped and counted.',
  ],
  LEDGER_ID_TAKEN: [
    'retryable',
    'Another dialog-ledger has the same `dialogLedger.ledgerId`: they may write over each other. Give each its own.',
  ],
  LEDGER_BEHIND: [
    'retryable',
    'The ledger could not read all that had arrived before a barrier was asked for, in the time that it takes for it.',
  ],
  SIP_MALFORMED: ['terminal', 'A SIP message cannot be parsed; it is dropped and counted.'],
  SDP_MALFORMED: ['terminal', 'A session description cannot be read; the message counts without it.'],
  DIALOG_INCOMPLETE: ['terminal', 'A dialog lacks a field that a recovery needs.'],
  FENCE_FAILED: ['retryable', 'A fence was asked for and not confirmed; nothing is taken over.'],
  NODE_DOUBLED: [
    'retryable',
    'Two lives of a node are up side by side: two Asterisks have one node id, or the clock of its host was set back over a restart. Neither is taken for dead.',
  ],
  CLOCK_SKEWED: [
    'retryable',
    "A service's clock is more than a second from that of Postgres: keep the clocks of all hosts together (`chrony`).",
  ],
  RECOVERY_REQUEST_INVALID: ['terminal', 'A recovery request does not fit its schema.'],
  RECOVERY_UNKNOWN_CALL: ['terminal', 'A recovery was requested for a call or node that has no live record.'],
  RECOVERY_NODE_ALIVE: [
    'terminal',
    'A recovery was requested for a node that is alive, or whose death is not certain.',
  ],
  RECOVERY_REQUEST_TOO_LARGE: [
    'terminal',
    "A recovery request, or an operator's command, is longer than `recovery.requests.maxBytes`.",
  ],
  RECOVERY_REQUEST_RATE: [
    'terminal',
    'Recoveries were requested too often of late (`recovery.requests`); nothing was done.',
  ],
  RECOVERY_STOPPED: ['terminal', 'An operator has stopped recovery; nothing is done until it is resumed.'],
  RECOVERY_NOT_HELD: ['terminal', 'No such call waits for an operator.'],
  RECOVERY_RESTRAINED: [
    'retryable',
    'What holds recovery back (a stop, a resume, a mass failure) changed while calls were planned; they are planned again.',
  ],
  CONFERENCE_ELSEWHERE: [
    'retryable',
    'A conference is being joined on another node than an attempt had chosen: it goes there.',
  ],
  RECOVERY_CLAIMED: [
    'retryable',
    'A leg was claimed meanwhile, by another replica, by a request or by the recovery before; the calls are planned again.',
  ],
  RECOVERY_REQUEST_FAILED: [
    'retryable',
    'A recovery request could not be carried out; the log of the service says why.',
  ],
  RECOVERY_PLAN_FAILED: [
    'retryable',
    'The calls of a dead node could not be planned, and are planned again as long as it makes sense.',
  ],
  FLOW_INVALID: [
    'terminal',
    "A request for an application's state (`reinvite.flow.*`) does not fit its schema.",
  ],
  FLOW_VERSION_CONFLICT: [
    'terminal',
    'The state of a call is not of the version that the application expected; the answer says which one is there.',
  ],
  FLOW_TOO_LARGE: [
    'terminal',
    'The state of a call, or the result of an effect, is longer than `recovery.flow.maxBytes`.',
  ],
  FLOW_TOO_MANY_EFFECTS: ['terminal', 'A call has `recovery.flow.maxEffects` effects on record already.'],
  FLOW_EFFECT_NOT_BEGUN: ['terminal', 'The end of an effect was told by somebody who has not begun it.'],
  FLOW_UNAVAILABLE: ['retryable', "An application's state could not be read or written just now."],
  EDGE_FAILED: ['retryable', 'The JSON-RPC of an edge does not answer, or refused what it was asked for.'],
  LISTEN_FAILED: ['fatal', 'A socket could not be bound.'],
  USAGE_INVALID: ['fatal', 'A command line names an unknown service, or options that do not go together.'],
  SERVICE_ENDED: ['fatal', 'A service ended without being asked to; its process stops.'],
  LAB_UNSUPPORTED: ['fatal', 'This machine cannot run the lab; the message lists what is missing.'],
  LAB_ROOT_FAILED: ['retryable', 'The Debian root of the lab could not be built.'],
  LAB_EXISTS: ['terminal', 'A lab of that name is already up.'],
  LAB_NOT_RUNNING: ['terminal', 'There is no lab of that name.'],
  LAB_START_FAILED: ['terminal', 'Something of the lab did not come up; the message names it and its log.'],
  LAB_UNKNOWN_HOST: ['terminal', 'The lab has no host, node or service of that name.'],
  LAB_COMMAND_FAILED: ['terminal', 'The lab refused or failed to carry out a command.'],
  LAB_REQUEST_INVALID: ['terminal', 'A lab command or option has a wrong value.'],
} as const satisfies Record<string, readonly [ErrorClass, string]>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** An error with a code of the table, typed details for the log, and the error that caused it. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly class: ErrorClass;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
    super(`${code}: ${message}`, cause === undefined ? undefined : { cause });
    this.name = 'CodedError';
    this.code = code;
    this.class = ERROR_TABLE[code][0];
    this.details = Object.freeze({ ...details });
  }
}

/** Builds a {@link CodedError}; never put a credential into `message` or `details`. */
export function codedError(
  code: ErrorCode,
  message: string,
  details: Record<string, unknown> = {},
  cause?: unknown,
): CodedError {
  return new CodedError(code, message, details, cause);
}

/** True for an error of ours, of the given code where one is given. */
export function isCoded(error: unknown, code?: ErrorCode): error is CodedError {
  return error instanceof CodedError && (code === undefined || error.code === code);
}
