import { ACCOUNT, FakeHomer, type Behaviour, type Captured } from '@reinvite/fake-homer';
import { writeDialogs, type Pool } from '@reinvite/db';
import { applyMessage, emptyCall, parseSip, visible } from '@reinvite/sip';

/** Where the phones are, and the one node of the configuration. */
const PHONE = '10.0.0.9';
const NODE = '127.0.0.1';

export type Step = 'invite' | 'ok' | 'ack' | 'refresh' | 'refreshed';
export const ANSWERED: readonly Step[] = ['invite', 'ok', 'ack'];

/** Messages of a call from a phone to ast1, as captured there. `startedAt`: epoch ms. */
export function captured(callId: string, steps: readonly Step[], startedAt = Date.now() - 5_000): Captured[] {
  const from = `From: <sip:phone@edge>;tag=phone-${callId.length}`;
  const to = 'To: <sip:app@edge>';
  const tagged = `${to};tag=ours`;
  const text = (start: string, dest: string, cseq: string, ...more: string[]): Buffer =>
    Buffer.from(
      [start, `Via: SIP/2.0/UDP ${PHONE};branch=z9hG4bK-${cseq.replace(' ', '-')}`, from, dest]
        .concat(`Call-ID: ${callId}`, `CSeq: ${cseq}`, ...more, 'Content-Length: 0', '', '')
        .join('\r\n'),
    );
  const recordRoute = 'Record-Route: <sip:10.0.0.1;lr>';
  const all: Record<Step, { at: number; sent: boolean; payload: Buffer }> = {
    invite: {
      at: 0,
      sent: false,
      payload: text(
        'INVITE sip:app@127.0.0.1 SIP/2.0',
        to,
        '1 INVITE',
        recordRoute,
        `Contact: <sip:phone@${PHONE}>`,
      ),
    },
    ok: {
      at: 100,
      sent: true,
      payload: text('SIP/2.0 200 OK', tagged, '1 INVITE', recordRoute, 'Contact: <sip:127.0.0.1>'),
    },
    ack: { at: 110, sent: false, payload: text('ACK sip:127.0.0.1 SIP/2.0', tagged, '1 ACK') },
    refresh: {
      at: 1_000,
      sent: false,
      payload: text('INVITE sip:127.0.0.1 SIP/2.0', tagged, '2 INVITE', 'Contact: <sip:phone@10.0.0.99>'),
    },
    refreshed: {
      at: 1_050,
      sent: true,
      payload: text('SIP/2.0 200 OK', tagged, '2 INVITE', 'Contact: <sip:127.0.0.1>'),
    },
  };
  const phone = { address: PHONE, port: 5060 };
  const node = { address: NODE, port: 5060 };
  return steps.map((step): Captured => {
    const { at, sent, payload } = all[step];
    return {
      source: sent ? node : phone,
      destination: sent ? phone : node,
      at: (startedAt + at) * 1_000,
      ipProtocol: 17,
      captureId: null,
      protocolType: 1,
      payload,
    };
  });
}

/** What a ledger writes that has seen these messages. */
export async function ledgerSaw(pool: Pool, callId: string, steps: readonly Step[]): Promise<void> {
  const call = captured(callId, steps).reduce(
    (folded, { source, at, payload }) =>
      applyMessage(folded, {
        direction: source.address === NODE ? 'sent' : 'received',
        at,
        nodeId: 'ast1',
        message: parseSip(payload),
      }),
    emptyCall(callId),
  );
  await writeDialogs(pool, visible(call), 'ledger-1');
}

/** A fake HOMER and the configuration that names it, fast enough for tests. */
export async function homerFor(
  sources: 'homer' | 'ledger+homer',
  settings: { readonly behaviour?: Partial<Behaviour>; readonly homer?: object } = {},
): Promise<{ fake: FakeHomer; sections: object }> {
  const fake = await FakeHomer.start({ behaviour: { flushMs: 0, ...settings.behaviour } });
  const { username, password } = ACCOUNT;
  const homer = {
    version: 7,
    url: fake.url,
    username,
    password,
    settleMs: 100,
    pollMs: 50,
    deadlineMs: 15_000,
    ...settings.homer,
  };
  return { fake, sections: { dialogs: { sources }, homer } };
}
