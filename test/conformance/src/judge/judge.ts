import type { Case } from '../cases/case.js';
import { expectationOf, expectationsOf, type Expectation } from '../cases/expectation.js';
import { directionAfter, mirrored } from '../phone/media.js';
import type { AuditEntry } from '../play/audit.js';
import type { Witness } from '../play/witness.js';
import { faultsOfReinvite } from './reinvite.js';
import { readSdp } from './sdp.js';
import { answerTo, dialogAt, isRequest, requestsAfter, statusOf, type TracedRequest } from './seen.js';

/** What became of a case. */
export interface Verdict {
  readonly test: Case;
  /** `not recovered`: as documented, and reported with its reason. */
  readonly result: 'passed' | 'failed' | 'not recovered';
  /** Coded reason of the audit, where it was not recovered. */
  readonly reason: string | null;
  /** What is expected, in words. */
  readonly why: string;
  /** What is wrong; empty unless it failed. */
  readonly faults: readonly string[];
}

/** As much of SIPp's complaints as says what is wrong. */
const COMPLAINT = 500;

/** Judges one case by what its phone sent and received, and by what the audit says of it. Pure. */
export function judge(witness: Witness): Verdict {
  const expected = expectationOf(witness.test);
  const notes = [witness.trouble, witness.complaints.slice(0, COMPLAINT)].filter((note) => note !== '');
  const faults = witness.ready
    ? [...(witness.trouble === '' ? [] : [witness.trouble]), ...faultsOf(witness, expected)]
    : ['the call did not come about', ...notes];
  const entry = witness.audit.at(-1);
  return {
    test: witness.test,
    result:
      faults.length > 0
        ? 'failed'
        : expected.outcome === 'recovered' || expected.outcome === 'untouched'
          ? 'passed'
          : 'not recovered',
    reason: entry?.reason ?? null,
    why: expected.why,
    faults,
  };
}

function faultsOf(witness: Witness, expected: Expectation): string[] {
  const expectations = expectationsOf(witness.test);
  return [
    ...(witness.crashes.length === expectations.length
      ? []
      : [`${witness.crashes.length} nodes died under it`]),
    ...witness.crashes.flatMap((crash, index) => {
      const until = witness.crashes[index + 1]?.at ?? Infinity;
      return [
        ...crashFaults(witness, expectations[index] ?? expected, crash, until),
        ...answerFaults(witness, witness.audit[index], crash.at),
      ];
    }),
    ...expectations.flatMap((one, index) => auditFaults(witness.audit[index], one)),
    ...witness.audit
      .slice(expectations.length)
      .map((entry) => `the audit has it once more: ${outcomeOf(entry)}`),
    ...(expected.outcome === 'recovered' ? endFaults(witness) : leftAloneFaults(witness)),
  ];
}

/** What came after one death, up to the next. */
function crashFaults(
  witness: Witness,
  expected: Expectation,
  crash: Witness['crashes'][number],
  until: number,
): string[] {
  const came = requestsAfter(witness, 'network', 'INVITE', crash.at).filter(({ at }) => at < until);
  const reinvites = came.slice(0, Math.max(expected.reinvites, 1));
  const wanted = expected.reinvites;
  return [
    ...(came.length === wanted ? [] : [`${came.length} re-INVITEs came, not ${wanted}`]),
    ...reinvites.flatMap((reinvite) => {
      const dialog = dialogAt(witness, reinvite.at);
      const before = dialogAt(witness, crash.at);
      if (dialog === undefined || before === undefined) return ['a re-INVITE came before there was a dialog'];
      // An offer that was refused changes nothing of the session (RFC 3261 section 14.1).
      const { ourSdp, phoneSdp, timer } = before;
      return faultsOfReinvite(witness, crash.node, { ...dialog, ourSdp, phoneSdp, timer }, reinvite);
    }),
    ...reinvites.flatMap((reinvite) => ackFaults(witness, reinvite)),
  ];
}

function ackFaults(witness: Witness, reinvite: TracedRequest): string[] {
  const answer = answerTo(witness, reinvite);
  if (answer === undefined) return [];
  const { number } = reinvite.message.cseq;
  const acked = witness.trace.some(
    (one) =>
      isRequest(one) &&
      one.by === 'network' &&
      one.message.method === 'ACK' &&
      one.message.cseq.number === number,
  );
  return acked ? [] : [`the ACK of the ${statusOf(answer)} to re-INVITE ${number} did not come`];
}

/**
 * The flow goes on when the phone has answered 200, and not before: to be seen where the phone takes its time. SIPp writes down
 * what it sends only when it has sent it, so half of that time must do.
 */
function answerFaults(witness: Witness, entry: AuditEntry | undefined, crashAt: number): string[] {
  const { answersAfterMs } = witness.test.extras;
  const [reinvite] = requestsAfter(witness, 'network', 'INVITE', crashAt);
  const answeredAt = entry?.answeredAt ?? null;
  if (answersAfterMs === undefined || reinvite === undefined || answeredAt === null) return [];
  return answeredAt > reinvite.at + answersAfterMs / 2 ? [] : ['it went on before the phone had answered'];
}

function auditFaults(entry: AuditEntry | undefined, expected: Expectation): string[] {
  const said = outcomeOf(entry);
  switch (expected.outcome) {
    case 'untouched':
      return entry === undefined ? [] : [`the audit has it: ${said}`];
    case 'recovered':
      return entry?.outcome === 'recovered' ? [] : [`the audit says ${said}, not recovered`];
    case 'failed':
    case 'skipped': {
      const fits =
        entry === undefined
          ? expected.reasons.includes(undefined)
          : entry.outcome === expected.outcome && expected.reasons.includes(entry.reason ?? undefined);
      const reasons = expected.reasons.filter((reason) => reason !== undefined).join(' or ');
      return fits ? [] : [`the audit says ${said}, not ${expected.outcome} (${reasons})`];
    }
  }
}

function outcomeOf(entry: AuditEntry | undefined): string {
  if (entry === undefined) return 'nothing';
  return `${entry.outcome}${entry.reason === null ? '' : ` (${entry.reason})`}`;
}

/** The call goes on as any call: the phone's own re-INVITE, UPDATE and BYE are answered, and nobody else ends it. */
function endFaults(witness: Witness): string[] {
  const since = witness.crashes.at(-1)?.at ?? 0;
  const asked = ['INVITE', 'UPDATE', 'BYE'].flatMap((method) => {
    const [request] = requestsAfter(witness, 'phone', method, since);
    if (request === undefined) return [`the phone came to no ${method}`];
    const status = statusOf(answerTo(witness, request));
    return status === 200 ? [] : [`the phone's ${method} was answered ${status ?? 'nothing'}`];
  });
  return [
    ...asked,
    ...refreshFaults(witness, since),
    ...directionFaults(witness, since),
    ...byeFaults(witness, since),
  ];
}

/** A refresher refreshes, in its old role, else the phone ends the call when the session expires (RFC 4028 section 10). */
function refreshFaults({ test, ...witness }: Witness, since: number): string[] {
  if (test.extras.awaitsRefresh !== true || test.factors.timer !== 'us') return [];
  const [refresh] = requestsAfter(witness, 'network', 'UPDATE', since);
  if (refresh === undefined) return ['our side did not refresh the session'];
  const { sessionExpires } = refresh.message;
  return sessionExpires?.refresher === 'uac' ? [] : ['our refresh gives the task to the phone'];
}

/** Who holds may take the call back afterwards; who is held stays so. */
function directionFaults(witness: Witness, since: number): string[] {
  const [own] = requestsAfter(witness, 'phone', 'INVITE', since);
  const answer = own === undefined ? undefined : answerTo(witness, own);
  if (answer === undefined || statusOf(answer) !== 200) return [];
  const wanted = mirrored(directionAfter(witness.test));
  const direction = readSdp(answer.message.body)?.streams[0]?.direction;
  return direction === wanted
    ? []
    : [`the phone's re-INVITE was answered ${direction ?? 'without SDP'}, not ${wanted}`];
}

/** None ends a call that would have lived without the attempt. */
function leftAloneFaults(witness: Witness): string[] {
  const since = witness.crashes[0]?.at ?? 0;
  return byeFaults(witness, since);
}

function byeFaults(witness: Witness, since: number): string[] {
  return requestsAfter(witness, 'network', 'BYE', since).length === 0 ? [] : ['our side hung up'];
}
