import { untilOnRecord } from '@reinvite/e2e';
import { startLab, type Lab } from '@reinvite/lab';
import { BaresipPhone } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningIvr } from './running-ivr.js';

const NODE = 'ast1';
/** A caller in each step: the prompt, one digit of three pressed, and two in one conference. */
const USERS = ['alice', 'bob', 'carol', 'dave'] as const;
type User = (typeof USERS)[number];

/** What the application has put of each when the node dies. */
const BEFORE: Readonly<Record<User, object>> = {
  alice: { step: 'prompt', digits: '' },
  bob: { step: 'collect', digits: '4' },
  carol: { step: 'conference', digits: '789' },
  dave: { step: 'conference', digits: '789' },
};
const CONFERENCE: Readonly<Record<User, string>> = { alice: '123', bob: '456', carol: '789', dave: '789' };

describe('the node dies on which callers are in every step of the example', () => {
  let lab: Lab;
  let db: pg.Pool;
  let ivr: RunningIvr;
  const phones = new Map<User, BaresipPhone>();

  function phone(user: User): BaresipPhone {
    const found = phones.get(user);
    if (found === undefined) throw new Error(`${user} was not started`);
    return found;
  }

  async function stateOf(user: User): Promise<unknown> {
    const { rows } = await db.query<{ state: string }>(
      'select state from call_flows where sip_call_id = $1',
      [phone(user).callId()],
    );
    return rows[0] === undefined ? undefined : (JSON.parse(rows[0].state) as unknown);
  }

  function untilState(user: User, wanted: object): Promise<unknown> {
    return eventually(`${user} to be in ${JSON.stringify(wanted)}`, async () => {
      return JSON.stringify(await stateOf(user)) === JSON.stringify(wanted);
    }).catch((cause: unknown) => {
      throw new Error(`${user} is not there: ${JSON.stringify(ivr.lines.slice(-20), null, 1)}`, { cause });
    });
  }

  /** Presses the digits that are missing, one by one, each when the one before has been taken. */
  async function pressOn(user: User, from: string, to: string): Promise<void> {
    for (let count = from.length + 1; count <= to.length; count += 1) {
      const digits = to.slice(0, count);
      await phone(user).press(digits.slice(-1));
      await untilState(user, { step: count < 3 ? 'collect' : 'conference', digits });
    }
  }

  /** Resolves when every phone has answered its re-INVITE of that crash. */
  async function untilBack(crash: number): Promise<void> {
    for (const user of USERS) {
      await eventually(`${user} to answer a re-INVITE`, () => {
        const reinvite = phone(user).reinvites()[crash - 1];
        return reinvite !== undefined && phone(user).statusGiven(reinvite.message) === 200;
      });
      await eventually(
        `the application to have ${user} back`,
        () => ivr.of(phone(user).callId(), 'is back').length === crash,
      );
    }
  }

  /** Where a phone is, by what it was re-INVITEd by. */
  function nodeOf(user: User): string {
    const agent = phone(user).reinvites().at(-1)?.message.headers.get('user-agent')?.[0] ?? '';
    return agent.replace('Asterisk-', '');
  }

  /** Ids of the channels in the conference of a phone, on the node where that is. */
  async function inConference(user: User): Promise<string[]> {
    const access = lab.info.ari[nodeOf(user)];
    if (access === undefined) throw new Error(`${user} is nowhere`);
    const authorization = `Basic ${Buffer.from(`${access.username}:${access.password}`).toString('base64')}`;
    const answer = await fetch(`${access.url}/bridges/conference-${CONFERENCE[user]}`, {
      headers: { authorization },
    });
    return answer.ok ? ((await answer.json()) as { channels: string[] }).channels : [];
  }

  beforeAll(async () => {
    lab = await startLab();
    db = new pg.Pool({ connectionString: lab.info.postgres, max: 2 });
    ivr = await RunningIvr.start(lab);
    for (const user of USERS) {
      phones.set(
        user,
        await BaresipPhone.start(lab, { user, transport: 'udp', media: 'rtp', recorder: 'filter' }),
      );
    }
    const dial = (user: User): Promise<void> => phone(user).dial(`ivr-${user}`, { node: NODE });
    for (const user of ['carol', 'dave'] as const) {
      await dial(user);
      await pressOn(user, '', '789');
    }
    await dial('bob');
    await pressOn('bob', '', '4');
    // Last: the prompt goes on for half a minute.
    await dial('alice');
    await untilState('alice', BEFORE.alice);
    await untilOnRecord(db, async () => ({ legs: USERS.length, pairs: 1 }));
    await lab.kill(NODE);
    await untilBack(1);
  });
  afterAll(async () => {
    await Promise.all([...phones.values()].map((one) => one.stop()));
    await db.end();
    await lab.down();
  });

  it.each(USERS)('and the channel brings along what was put: %s', (user) => {
    expect(ivr.of(phone(user).callId(), 'is back')).toMatchObject([BEFORE[user]]);
  });

  it('and who was listening to the prompt hears it, and goes on to a conference', async () => {
    await phone('alice').untilHears();
    await pressOn('alice', '', CONFERENCE.alice);
  });

  it('and who had pressed one digit of three presses the other two', async () => {
    await pressOn('bob', '4', CONFERENCE.bob);
  });

  it('and those in a conference are in it, with each other, and hear each other', async () => {
    expect(nodeOf('carol')).toBe(nodeOf('dave'));
    const channels = ['carol', 'dave'].map(
      (user) => ivr.of(phone(user as User).callId(), 'is back')[0]?.channelId,
    );
    await eventually('both to be in the conference', async () => (await inConference('carol')).length === 2);
    expect(new Set(await inConference('carol'))).toEqual(new Set(channels));
    await phone('carol').untilHears();
    await phone('dave').untilHears();
  });

  it('and nobody enters a conference twice, nor is anybody charged twice', async () => {
    for (const user of USERS) {
      const callId = phone(user).callId();
      const back = ivr.of(callId, 'is back')[0]?.channelId;
      await eventually(`${user} to have entered`, () =>
        ivr.of(callId, 'entered').some(({ channelId }) => channelId === back),
      );
      expect(ivr.of(callId, 'entered').filter(({ channelId }) => channelId === back)).toHaveLength(1);
      expect(await ivr.charges(callId)).toBe(1);
    }
    expect(ivr.lines.filter(({ what }) => what === 'failed' || what === 'billing unknown')).toEqual([]);
  });

  it('and all of it holds when the next node dies too', async () => {
    await untilOnRecord(db, async () => ({ legs: USERS.length, pairs: 1 }));
    const second = nodeOf('carol');
    const moved = USERS.filter((user) => nodeOf(user) === second);
    await lab.kill(second);
    for (const user of moved) {
      await eventually(
        `${user} to be back again`,
        () => ivr.of(phone(user).callId(), 'is back').length === 2,
      );
      await eventually(
        `${user} to be in the conference again`,
        async () => (await inConference(user)).length > 0,
      );
      expect(await ivr.charges(phone(user).callId())).toBe(1);
      expect(await stateOf(user)).toEqual({ step: 'conference', digits: CONFERENCE[user] });
    }
    expect(moved).toEqual(expect.arrayContaining(['carol', 'dave']));
    await phone('carol').untilHears();
    await phone('dave').untilHears();
    for (const user of USERS) await phone(user).hangUp();
  });
});
