import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '@reinvite/lab';
import { phonesOf, type Crash, type ObservedCall } from '@reinvite/test-phones';
import type pg from 'pg';
import { recoveriesOf } from './record.js';

const SERVICES = ['recovery', 'ari-worker', 'sentinel'];
const LINES_EACH = 10;
/** pino's level of a warning. */
const WARNING = 40;

/** What a crash has led to so far, for the message of a test that waited in vain. */
export async function describeCrash(
  lab: Lab,
  db: pg.Pool,
  crash: Crash,
  calls: readonly ObservedCall[],
): Promise<string> {
  const rows = await Promise.all(Object.keys(lab.info.ari).map((node) => recoveriesOf(db, node)));
  const audit = rows
    .flat()
    .map(
      ({ nodeId, callId, outcome, reason, target }) =>
        `${nodeId} ${callId}: ${outcome} ${reason ?? ''} ${target ?? ''}`,
    );
  const warnings = (await Promise.all(SERVICES.map((service) => warningsOf(lab, service)))).flat();
  return [
    `${crash.node} died; the phones saw:`,
    ...describeCalls(calls, crash.at),
    'the audit says:',
    ...audit,
    'the services say:',
    ...warnings,
  ].join('\n  ');
}

/**
 * What each phone of the calls saw.
 * @param from the moment that times are counted from, epoch ms.
 */
export function describeCalls(calls: readonly ObservedCall[], from: number): string[] {
  return calls.flatMap((call) =>
    phonesOf(call).map((phone) => {
      const requests = phone.requests.map(
        ({ by, method, cseq, at, node, answer }) =>
          `${by} ${method} ${cseq} at ${Math.round(at - from)} ms${node === '' ? '' : ` (${node})`}: ${answer?.status ?? 'no answer'}`,
      );
      return `${call.kind} ${call.number} ${phone.role}, from ${phone.invite.node}: ${requests.join(', ') || 'nothing'}`;
    }),
  );
}

async function warningsOf(lab: Lab, service: string): Promise<string[]> {
  const log = await readFile(path.join(lab.info.logs, `${service}.log`), 'utf8');
  return log
    .split('\n')
    .filter((line) => Number(/"level":(\d+)/.exec(line)?.[1] ?? 0) >= WARNING)
    .slice(-LINES_EACH)
    .map((line) => line.slice(0, 500));
}
