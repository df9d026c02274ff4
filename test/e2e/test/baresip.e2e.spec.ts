import { startLab, type Lab } from '@reinvite/lab';
import { BaresipPhone, startDemoApp, type BaresipState, type BaresipTraits } from '@reinvite/test-phones';
import { eventually } from '@reinvite/test-support';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoveriesOf, untilOnRecord } from '../src/index.js';

const NODE = 'ast1';
const PHONES = {
  plain: { user: 'alice', transport: 'udp', media: 'rtp', recorder: 'filter' },
  held: { user: 'bob', transport: 'tcp', media: 'rtp', recorder: 'player' },
  secure: { user: 'carol', transport: 'tls', media: 'srtp', recorder: 'filter' },
  // DTLS at the phone and at the node. Not SDES at both: baresip 1.1 never takes a second key from an SDP.
  secureToTheNode: { user: 'dave', transport: 'tls', media: 'dtls', recorder: 'filter' },
  // Reached by the connection that it registered with.
  called: { user: 'erin', transport: 'tls', media: 'srtp', recorder: 'filter' },
} as const satisfies Record<string, BaresipTraits>;
type Name = keyof typeof PHONES;
const NAMES = Object.keys(PHONES) as Name[];
const ENDPOINTS: Partial<Record<Name, string>> = { secureToTheNode: 'edge-dtls' };

/** Lines of the audio section of an SDP that say what is asked here. */
function audioLines(body: string, wanted: RegExp): string[] {
  return body.split('\r\n').filter((line) => wanted.test(line));
}

describe('the node dies on which baresip is talking', () => {
  let lab: Lab;
  let db: pg.Pool;
  const phones = new Map<Name, BaresipPhone>();
  const heard = new Set<Name>();
  const states = new Map<Name, BaresipState>();

  function phone(name: Name): BaresipPhone {
    const found = phones.get(name);
    if (found === undefined) throw new Error(`${name} was not started`);
    return found;
  }

  /** The application `demo` of the node gets a call to a phone that has registered. */
  async function callFrom(node: string, user: string): Promise<void> {
    const uri = `sip:${user}@${lab.info.hosts.edge?.address ?? ''};media=srtp`;
    await lab.exec(node, [
      'asterisk',
      '-rx',
      `channel originate PJSIP/edge/${uri} application Stasis demo,app`,
    ]);
  }

  async function setUp(): Promise<void> {
    lab = await startLab();
    await startDemoApp(lab);
    db = new pg.Pool({ connectionString: lab.info.postgres, max: 2 });
    for (const [index, name] of NAMES.entries()) {
      const started = await BaresipPhone.start(lab, PHONES[name]);
      phones.set(name, started);
      if (name === 'called') {
        await callFrom(NODE, PHONES.called.user);
        await started.answer();
      } else {
        const endpoint = ENDPOINTS[name];
        await started.dial(`app-${index}`, { node: NODE, ...(endpoint === undefined ? {} : { endpoint }) });
      }
      await started.untilHears();
    }
    await phone('held').hold();
    await untilOnRecord(db, async () => ({ legs: NAMES.length, pairs: 0 }));
  }

  async function tearDown(): Promise<void> {
    await Promise.all([...phones.values()].map((one) => one.stop()));
    phones.clear();
    heard.clear();
    states.clear();
    await db.end();
    await lab.down();
  }

  /** The node dies, the phones are re-INVITEd, hear a voice, and hang up. */
  async function play(): Promise<void> {
    await setUp();
    await lab.kill(NODE);
    for (const name of NAMES) {
      await eventually(`${name} to answer a re-INVITE`, () => {
        const [reinvite] = phone(name).reinvites();
        return reinvite !== undefined && phone(name).statusGiven(reinvite.message) !== undefined;
      }).catch(async (cause: unknown) => {
        const audit = JSON.stringify(await recoveriesOf(db, NODE));
        throw new Error(`${name} was not brought back: ${audit}\n${phone(name).screen()}`, { cause });
      });
    }
    for (const name of NAMES) {
      if (name === 'held') await phone(name).resume();
      await phone(name).untilHears();
      heard.add(name);
    }
    for (const name of NAMES) {
      states.set(name, phone(name).currentState());
      await phone(name).hangUp();
    }
  }

  /** The player of the phone that holds may crash it (see `recorder`); then the play says nothing. No other phone has an excuse. */
  async function playUnlessPlayerCrashes(tries: number): Promise<void> {
    try {
      await play();
    } catch (error) {
      if (tries === 1 || phones.get('held')?.diedOf() !== 'SIGSEGV') throw error;
      await tearDown();
      await playUnlessPlayerCrashes(tries - 1);
    }
  }

  beforeAll(() => playUnlessPlayerCrashes(3));
  afterAll(tearDown);

  it.each(NAMES)('and it answers one re-INVITE, of a living node, and stays in its call: %s', (name) => {
    const reinvites = phone(name).reinvites();
    expect(reinvites).toHaveLength(1);
    for (const { message } of reinvites) {
      expect(phone(name).statusGiven(message)).toBe(200);
      expect(message.headers.get('user-agent')?.[0]).toMatch(/^Asterisk-ast[23]$/);
    }
    expect(states.get(name)).toBe('established');
  });

  it('and all hear a voice again, the one that holds us when it resumes', () => {
    expect([...heard]).toEqual(NAMES);
  });

  it('and the one that holds us is asked to go on holding', () => {
    const [reinvite] = phone('held').reinvites();
    expect(audioLines(reinvite?.message.body ?? '', /^a=(sendrecv|sendonly|recvonly|inactive)$/)).toEqual([
      'a=recvonly',
    ]);
  });

  it.each(['secure', 'called'] as const)('and TLS stays TLS, and SRTP stays SRTP: %s', (name) => {
    const [reinvite] = phone(name).reinvites();
    expect(reinvite?.transport).toBe('TLS');
    const body = reinvite?.message.body ?? '';
    expect(audioLines(body, /^m=audio /)[0]).toMatch(/^m=audio [1-9]\d* RTP\/SAVP 0\b/);
    expect(audioLines(body, /^a=crypto:/).length).toBeGreaterThan(0);
  });

  it('and DTLS stays DTLS, with a fingerprint and without keys in the SDP', () => {
    const [reinvite] = phone('secureToTheNode').reinvites();
    expect(reinvite?.transport).toBe('TLS');
    const body = reinvite?.message.body ?? '';
    expect(audioLines(body, /^m=audio /)[0]).toMatch(/^m=audio [1-9]\d* UDP\/TLS\/RTP\/SAVPF? 0\b/);
    expect(audioLines(body, /^a=fingerprint:/)).toHaveLength(1);
    expect(audioLines(body, /^a=crypto:/)).toEqual([]);
  });

  it.each(NAMES)('and it hangs up as in any other call: %s', (name) => {
    expect(phone(name).currentState()).toBe('closed');
  });

  it('and the audit says that every call was recovered', async () => {
    const rows = await recoveriesOf(db, NODE);
    expect(new Map(rows.map(({ callId, outcome }) => [callId, outcome]))).toEqual(
      new Map(NAMES.map((name) => [phone(name).callId(), 'recovered'])),
    );
  });
});
