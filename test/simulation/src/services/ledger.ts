import { subjects } from '@reinvite/bus';
import { ledgerBarrier } from '@reinvite/domain';
import type { Dialog, DialogSource } from '@reinvite/sip';
import type { Phone } from '../asterisk/phone.js';
import { SimulatedBus } from '../bus/client.js';
import { BEGINNING } from '../world/time.js';
import { Process } from '../world/process.js';
import type { Services } from './services.js';

/** The dialogs as a ledger wrote them that has seen every message which a node sent or received. */
export function dialogsOf(process: Process, { postgres, phones }: Services): DialogSource {
  return {
    findByCallIds: (callIds) =>
      postgres.transact(process, 'read dialogs', () => {
        const wanted = new Set(callIds);
        return new Map(
          phones
            .filter((phone) => wanted.has(phone.sipCallId))
            .map((phone) => [phone.sipCallId, [dialogOf(phone)]]),
        );
      }),
  };
}

function dialogOf({ name, sipCallId, spokenFor, byeHeardAt }: Phone): Dialog {
  return {
    callId: sipCallId,
    localTag: `asterisk-${name}`,
    remoteTag: name,
    role: 'uas',
    state: byeHeardAt === null ? 'confirmed' : 'ended',
    nodeId: spokenFor.nodeId,
    local: { displayName: '', uri: 'sip:service@edge' },
    remote: { displayName: '', uri: `sip:${name}@edge` },
    inviteCSeq: 1,
    localCSeq: spokenFor.cseq,
    remoteCSeq: 1,
    routeSet: ['<sip:edge;lr>'],
    remoteTarget: `sip:${name}@10.0.0.9:5060`,
    localContact: 'sip:asterisk@edge',
    transport: 'udp',
    digestChallenged: false,
    localSession: null,
    remoteSession: null,
    sessionTimer: null,
    createdAt: BEGINNING,
    updatedAt: BEGINNING,
    confirmedAt: BEGINNING,
    endedAt: byeHeardAt,
    unsure: [],
  };
}

/** A dialog-ledger that has always written what has arrived. */
export function startLedger({ world, nats }: Services): Process {
  const process = new Process(world, 'ledger', 'ledger');
  new SimulatedBus(process, nats).respond(
    subjects.ledgerBarrier,
    ledgerBarrier,
    async () => ({ status: 'flushed', ledgerId: 'ledger', flushedAt: Date.now(), dialogs: 0 }),
    () => ({ status: 'failed', ledgerId: 'ledger', code: 'MESSAGE_INVALID', message: '' }),
  );
  return process;
}
