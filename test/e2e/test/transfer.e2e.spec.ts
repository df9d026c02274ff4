import { startLab, type Lab } from '@reinvite/lab';
import { BaresipPhone, startDemoApp } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilOnRecord } from '../src/index.js';

const NODE = 'ast1';

type Message = ReturnType<BaresipPhone['trace']>[number]['message'];

function statusOf(message: Message): number | undefined {
  return message.kind === 'response' ? message.status : undefined;
}

/** Resolves when a phone has answered so many re-INVITEs 200. @returns the node that sent the last one. */
async function brought(phone: BaresipPhone, times: number): Promise<string> {
  await eventually('a phone to have answered a re-INVITE', () => {
    const last = phone.reinvites()[times - 1];
    return last !== undefined && phone.statusGiven(last.message) === 200;
  });
  const agent = phone.reinvites()[times - 1]?.message.headers.get('user-agent')?.[0] ?? '';
  return agent.replace(/^Asterisk-/, '');
}

/** What NOTIFYs told a phone of its transfer (RFC 3515 section 2.4.5), in order. */
function progressTold(phone: BaresipPhone): string[] {
  return phone.trace().flatMap(({ by, message }) => {
    const isProgress = by === 'network' && message.kind === 'request' && message.method === 'NOTIFY';
    return isProgress ? [message.body.trim()] : [];
  });
}

describe('a phone whose call has come back transfers its party', () => {
  let lab: Lab;
  let db: pg.Pool;
  let alice: BaresipPhone;
  let bob: BaresipPhone;
  let node: string;
  const started: BaresipPhone[] = [];

  async function phoneOf(user: 'alice' | 'bob'): Promise<BaresipPhone> {
    const phone = await BaresipPhone.start(lab, { user, transport: 'udp', media: 'rtp', recorder: 'filter' });
    started.push(phone);
    return phone;
  }

  beforeAll(async () => {
    lab = await startLab();
    await startDemoApp(lab);
    db = new pg.Pool({ connectionString: lab.info.postgres, max: 2 });
    [alice, bob] = await Promise.all([phoneOf('alice'), phoneOf('bob')]);
    await Promise.all([alice.dial('call-bob', { node: NODE }), bob.answer()]);
    await Promise.all([alice.untilHears(), bob.untilHears()]);
    await untilOnRecord(db, async () => ({ legs: 2, pairs: 1 }));
    await lab.kill(NODE);
    [node] = await Promise.all([brought(bob, 1), brought(alice, 1)]);
    await Promise.all([alice.untilHears(), bob.untilHears()]);
    await alice.transfer('app-9');
  });
  afterAll(async () => {
    await Promise.all(started.map((phone) => phone.stop()));
    await db.end();
    await lab.down();
  });

  it('and its REFER is accepted, and carried out', () => {
    const answers = alice
      .trace()
      .filter(({ by, message }) => by === 'network' && message.cseq.method === 'REFER')
      .map(({ message }) => statusOf(message));
    // A REFER that came again is answered again.
    expect([...new Set(answers)]).toEqual([202]);
    expect(progressTold(alice).at(-1)).toMatch(/^SIP\/2\.0 200 /);
  });

  it('and the party is in its call still, and hears where it was sent to', async () => {
    await bob.untilHears();
    expect(bob.currentState()).toBe('established');
  });

  it('and comes back there when that node dies too', async () => {
    await untilOnRecord(db, async () => ({ legs: 1, pairs: 0 }));
    await lab.kill(node);
    expect(await brought(bob, 2)).not.toBe(node);
    await bob.untilHears();
    await bob.hangUp();
    expect(bob.currentState()).toBe('closed');
  });
});
