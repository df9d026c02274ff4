import { connectAri, type AriConnection, type AriEvent } from '@reinvite/ari';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { askFromPhone, callFromPhone, type Ask } from './sipp-phone.js';

type Variables = Record<string, string>;
type Told = Readonly<Record<string, unknown>>;

const CSEQ = 4_711;

/** What the phone says to the re-INVITE, and what the module tells of it. */
const answers: readonly (readonly [answer: string, header: string, told: Told])[] = [
  ['491 Request Pending', 'Retry-After: 3', { status: '491', retry_after: '3' }],
  ['500 Server Internal Error', 'X-None: 1', { status: '500', retry_after: '' }],
  ['488 Not Acceptable Here', 'X-None: 1', { status: '488' }],
  // A proxy makes 500 of it (RFC 3261 section 16.7).
  ['503 Service Unavailable', 'Retry-After: 1', { status: '500', retry_after: '' }],
  ['481 Call/Transaction Does Not Exist', 'X-None: 1', { status: '481' }],
  ['408 Request Timeout', 'X-None: 1', { status: '408' }],
  ['400 Bad Request', 'Reason: Q.850;cause=111', { status: '400' }],
  ['302 Moved Temporarily', 'Contact: <sip:echo@192.168.99.9>', { status: '302' }],
  ['401 Unauthorized', 'WWW-Authenticate: Digest realm="phone", nonce="abc"', { status: '401' }],
];

/** What a phone may ask in a call besides re-INVITE, UPDATE and BYE. */
const asks: readonly Ask[] = [
  { method: 'INFO', headers: ['Content-Type: application/dtmf-relay'], body: 'Signal=5\nDuration=160' },
  // Asterisk leaves it unanswered, and the edge says so.
  { method: 'INFO', headers: ['Content-Type: application/unheard-of'], body: 'x' },
  { method: 'OPTIONS', headers: [] },
  { method: 'MESSAGE', headers: ['Content-Type: text/plain'], body: 'hello' },
  { method: 'REFER', headers: [] },
  { method: 'SUBSCRIBE', headers: ['Event: nothing'] },
];

describe('a phone that does not take its re-INVITE', () => {
  const stop = new AbortController();
  const events: AriEvent[] = [];
  let lab: Lab;
  let held: AriConnection;
  let healthy: AriConnection;
  let count = 0;

  const address = (host: string): string => lab.info.hosts[host]?.address ?? '';
  const connect = async (node: string): Promise<AriConnection> => {
    const { username, password } = lab.info.ari[node] ?? { username: '', password: '' };
    const ari = connectAri({
      url: `http://${address(node)}:8088`,
      username,
      password,
      app: 'test',
      log: createLogger('test', 'silent'),
      signal: stop.signal,
      subscribeAll: true,
    });
    await ari.whenUp();
    return ari;
  };

  /** The one dialog that ast1 holds. */
  const heldDialog = async (): Promise<Variables> => {
    const channel = await eventually('the call', async () =>
      (await held.channels.list()).find(({ state }) => state === 'Up'),
    );
    const ask = (what: string): Promise<string> =>
      held.channels.getVariable(channel.id, `CHANNEL(pjsip,${what})`);
    const uri = async (what: string): Promise<string> => (await ask(what)).replace(/^.*<|>.*$/g, '');
    return {
      'PJSIP_RECOVERY_CALL-ID': await ask('call-id'),
      PJSIP_RECOVERY_FROM_URI: await uri('local_uri'),
      PJSIP_RECOVERY_FROM_TAG: await ask('local_tag'),
      PJSIP_RECOVERY_TO_URI: await uri('remote_uri'),
      PJSIP_RECOVERY_TO_TAG: await ask('remote_tag'),
      PJSIP_RECOVERY_REQUEST_URI: await uri('target_uri'),
      PJSIP_RECOVERY_ROUTES: `<sip:${address('edge')};lr>`,
    };
  };
  const recover = async (dialog: Variables, cseq: number, timeoutS = 20): Promise<string> => {
    const channelId = `recovering-${(count += 1)}`;
    await healthy.channels.originate({
      channelId,
      endpoint: `PJSIP/edge/${dialog['PJSIP_RECOVERY_REQUEST_URI'] ?? ''}`,
      target: { app: 'test' },
      timeoutS,
      variables: { ...dialog, PJSIP_RECOVERY_CSEQ: String(cseq) },
    });
    return channelId;
  };
  const find = (type: AriEvent['type'], channelId: string): Promise<AriEvent> =>
    eventually(`${type} of ${channelId}`, () =>
      events.find((one) => one.type === type && 'channel' in one && one.channel?.id === channelId),
    );

  beforeAll(async () => {
    lab = await startLab({ nodes: 2, reinvite: false });
    [held, healthy] = await Promise.all([connect('ast1'), connect('ast2')]);
    healthy.on('event', (one) => events.push(one));
  });
  /** ast1 lives on in these tests: its side of the calls is taken from it. */
  afterEach(async () => {
    for (const { id } of await held.channels.list()) await held.channels.hangup(id);
    await eventually('an idle ast1', async () => (await held.channels.list()).length === 0);
  });
  afterAll(async () => {
    stop.abort(new Error('the tests are over'));
    await lab.down();
  });

  it.each(answers)(
    'but answers %s (%s) keeps its dialog, and the same node recovers it a moment later',
    async (answer, header, told) => {
      const phone = callFromPhone(lab, 'phone-refuses', 21_100 + count, 'ast1', { answer, header });
      const dialog = await heldDialog();
      const refused = await recover(dialog, CSEQ);
      await find('ChannelDestroyed', refused);
      const said = events.filter(
        (one) =>
          'channel' in one &&
          one.channel?.id === refused &&
          (one.type === 'ChannelUserevent' || one.type === 'ChannelDestroyed'),
      );
      // First why it ends, then that it does.
      expect(said.map(({ type }) => type)).toEqual(['ChannelUserevent', 'ChannelDestroyed']);
      expect(said[0]).toMatchObject({
        eventname: 'ReinviteRecovery',
        userevent: { result: 'failed', received: 'yes', ...told },
      });
      // Whoever asks once more for what has been done finds that out, and the phone hears nothing of it.
      expect(await find('ChannelDestroyed', await recover(dialog, CSEQ))).toMatchObject({ cause: 111 });
      await find('StasisStart', await recover(dialog, CSEQ + 1_000));
      expect(await phone).toEqual({ exitCode: 0, errors: '' });
      expect(
        events.some((one) => one.type === 'ChannelCreated' && one.channel.name.startsWith('Local/')),
      ).toBe(false);
    },
  );

  it('in time, but by a 200 that crosses the CANCEL, gets the ACK and no BYE', async () => {
    const phone = callFromPhone(lab, 'phone-answers-late', 21_200, 'ast1');
    const dialog = await heldDialog();
    await find('ChannelDestroyed', await recover(dialog, CSEQ, 1));
    await eventually('the late 200 to be noticed', async () =>
      /Given up: 1\n/.test((await lab.exec('ast2', ['asterisk', '-rx', 'pjsip show recovery'])).stdout),
    );
    await find('StasisStart', await recover(dialog, CSEQ + 1_000));
    expect(await phone).toEqual({ exitCode: 0, errors: '' });
  });

  it('or takes it, and then gets the same answers as in an ordinary call', async () => {
    const ordinary = await askFromPhone(lab, 21_301, 'ast2', asks, false);
    const phone = askFromPhone(lab, 21_302, 'ast1', asks, true);
    await find('StasisStart', await recover(await heldDialog(), CSEQ));
    expect(await phone).toEqual(ordinary);
    expect(ordinary).toHaveLength(asks.length);
    expect(ordinary).toEqual(expect.arrayContaining(['INFO 200', 'OPTIONS 200']));
  });
});
