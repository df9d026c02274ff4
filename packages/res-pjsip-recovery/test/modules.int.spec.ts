import { appendFile } from 'node:fs/promises';
import { connectAri, type AriConnection, type AriEvent } from '@reinvite/ari';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { callFromPhone } from './sipp-phone.js';

type Variables = Record<string, string>;

const PCMU = 'm=audio 9 RTP/AVP 0|a=rtpmap:0 PCMU/8000';

/** An endpoint of the recovering node that can answer a challenge. */
const CHALLENGED = `
[challenged]
type = endpoint
transport = udp
disallow = all
allow = ulaw
outbound_auth = challenged
[challenged]
type = auth
auth_type = digest
username = node
password = secret
`;

/** Two legs that meet, or one alone: what RecoveryBridge says of it can be read as a global variable. */
const MEETING = `
[meeting]
exten => meet,1,RecoveryBridge(\${MEETING},\${PATIENCE},\${LIMIT})
 same => n,Set(GLOBAL(\${LEG})=\${RECOVERYBRIDGESTATUS})
`;

/** Where a leg is led on to, as a global variable says. */
const GOING = `
[going]
exten => go,1,RecoveryGoto(\${NEXT})
exten => _55.,1,Set(GLOBAL(\${LEG})=begun)
 same => n,Set(GLOBAL(\${LEG})=\${LEN(\${EXTEN})}digits)
 same => n,Hangup()
 same => n,Set(GLOBAL(\${LEG})=astray)
`;

describe('the modules, on a real Asterisk', () => {
  const stop = new AbortController();
  const events: AriEvent[] = [];
  let lab: Lab;
  let held: AriConnection;
  let healthy: AriConnection;
  let count = 0;

  const address = (host: string): string => lab.info.hosts[host]?.address ?? '';
  const connect = async (node: string): Promise<AriConnection> => {
    const { username, password } = lab.info.ari[node] ?? { username: '', password: '' };
    const log = createLogger('test', 'silent');
    const url = `http://${address(node)}:8088`;
    const ari = connectAri({
      url,
      username,
      password,
      app: 'test',
      log,
      signal: stop.signal,
      subscribeAll: true,
    });
    await ari.whenUp();
    return ari;
  };
  const asterisk = async (command: string): Promise<string> =>
    (await lab.exec('ast2', ['asterisk', '-rx', command])).stdout;
  const configure = async (file: string, lines: string, reload: string): Promise<void> => {
    await appendFile(lab.hostPath('ast2', `/etc/asterisk/${file}`), lines);
    await asterisk(reload);
  };

  /** A dialog that nobody but the test knows of. */
  const invented = (change: Variables = {}): Variables => {
    const id = `dialog${(count += 1)}`;
    return {
      'PJSIP_RECOVERY_CALL-ID': `${id}@test`,
      PJSIP_RECOVERY_CSEQ: '4711',
      PJSIP_RECOVERY_FROM_URI: `sip:echo@${address('edge')}`,
      PJSIP_RECOVERY_FROM_TAG: `${id}-us`,
      PJSIP_RECOVERY_TO_URI: 'sip:phone@192.168.99.9',
      PJSIP_RECOVERY_TO_TAG: `${id}-phone`,
      PJSIP_RECOVERY_REQUEST_URI: `sip:phone@${address('phones')}:5999`,
      PJSIP_RECOVERY_ROUTES: `<sip:${address('edge')};lr>`,
      ...change,
    };
  };

  /** The one dialog that ast1 holds. */
  const heldDialog = async (): Promise<Variables> => {
    const channel = await eventually('the call', async () =>
      (await held.channels.list()).find(({ state }) => state === 'Up'),
    );
    const ask = (what: string): Promise<string> =>
      held.channels.getVariable(channel.id, `CHANNEL(pjsip,${what})`);
    const uri = async (what: string): Promise<string> => (await ask(what)).replace(/^.*<|>.*$/g, '');
    return invented({
      'PJSIP_RECOVERY_CALL-ID': await ask('call-id'),
      PJSIP_RECOVERY_FROM_URI: await uri('local_uri'),
      PJSIP_RECOVERY_FROM_TAG: await ask('local_tag'),
      PJSIP_RECOVERY_TO_URI: await uri('remote_uri'),
      PJSIP_RECOVERY_TO_TAG: await ask('remote_tag'),
      PJSIP_RECOVERY_REQUEST_URI: await uri('target_uri'),
    });
  };
  const recover = async (variables: Variables, endpoint = 'edge', user = 'phone'): Promise<string> => {
    const channelId = `recovering-${(count += 1)}`;
    await healthy.channels.originate({
      channelId,
      endpoint: `PJSIP/${endpoint}/sip:${user}@${address('phones')}:5999`,
      target: { app: 'test' },
      variables,
    });
    return channelId;
  };
  const find = (type: AriEvent['type'], channelId: string): Promise<AriEvent> =>
    eventually(`${type} of ${channelId}`, () =>
      events.find((one) => one.type === type && 'channel' in one && one.channel?.id === channelId),
    );
  const refusalOf = (channelId: string): string[] =>
    events
      .filter((one) => one.type === 'ChannelVarset')
      .filter((one) => one.channel?.id === channelId && one.variable === 'PJSIP_RECOVERY_REFUSED')
      .map(({ value }) => value);

  beforeAll(async () => {
    lab = await startLab({ nodes: 2, reinvite: false });
    await configure('pjsip.conf', CHALLENGED, 'module reload res_pjsip.so');
    await configure('extensions.conf', MEETING + GOING, 'dialplan reload');
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

  it("goes on with a phone's dialog: our ACK, its re-INVITE, UPDATE and BYE", async () => {
    const phone = callFromPhone(lab, 'phone-calls', 21_001, 'ast1');
    const dialog = await heldDialog();
    const started = await find('StasisStart', await recover(dialog));
    expect(started).toMatchObject({ channel: { protocolId: dialog['PJSIP_RECOVERY_CALL-ID'] } });
    expect(await phone).toEqual({ exitCode: 0, errors: '' });
  });

  it.each([
    ['hangs up by the route set', 'phone-hung-up', 'edge', 21_002],
    ['answers a digest challenge in the recovered dialog', 'phone-challenges', 'challenged', 21_003],
  ])('%s', async (_, scenario, endpoint, port) => {
    const phone = callFromPhone(lab, scenario, port, 'ast1');
    const channelId = await recover(await heldDialog(), endpoint);
    await find('StasisStart', channelId);
    await healthy.channels.hangup(channelId);
    expect(await phone).toEqual({ exitCode: 0, errors: '' });
  });

  it('sends nothing where a value is missing or wrong, or the dialog is alive, and says why', async () => {
    const proxies = (length: number): string[] =>
      Array.from({ length }, (_, index) => `<sip:p${index}.invalid;lr;cookie=${'x'.repeat(470)}>`);
    const routes = [`<sip:${address('phones')}:5998;lr>`, ...proxies(15)].join(',');
    const alive = invented({ PJSIP_RECOVERY_ROUTES: routes });
    const wrong: [string, Variables][] = [
      ['REC-CALL-ID-MISSING', { 'PJSIP_RECOVERY_CALL-ID': '' }],
      ['REC-FROM-TAG-MISSING', { PJSIP_RECOVERY_FROM_TAG: '' }],
      ['REC-TO-TAG-MISSING', { PJSIP_RECOVERY_TO_TAG: 'a;b' }],
      ['REC-FROM-URI-INVALID', { PJSIP_RECOVERY_FROM_URI: 'nobody' }],
      ['REC-TO-URI-INVALID', { PJSIP_RECOVERY_TO_URI: 'sip:a@[::1' }],
      ['REC-REQUEST-URI-INVALID', { PJSIP_RECOVERY_REQUEST_URI: `sip:${'x'.repeat(600)}@host` }],
      ['REC-ROUTES-INVALID', { PJSIP_RECOVERY_ROUTES: '<sip:a;lr>,' }],
      ['REC-ROUTES-INVALID', { PJSIP_RECOVERY_ROUTES: `${routes},<sip:p15.invalid;lr>` }],
      ['REC-VALUE-INVALID', { PJSIP_RECOVERY_ROUTES: proxies(17).join(',') }],
      ['REC-CSEQ-INVALID', { PJSIP_RECOVERY_CSEQ: '2147483648' }],
      ['REC-CSEQ-INVALID', { PJSIP_RECOVERY_CSEQ: '0' }],
      ['REC-VALUE-INVALID', { PJSIP_RECOVERY_TO_DISPLAY: 'x\r\nVia: y' }],
      ['REC-SDP-ORIGIN-INVALID', { PJSIP_RECOVERY_SDP_ORIGIN: '1' }],
      ['REC-SDP-ORIGIN-INVALID', { PJSIP_RECOVERY_SDP_ORIGIN: '1 4294967295' }],
      ['REC-SDP-STREAMS-INVALID', { PJSIP_RECOVERY_SDP_STREAMS: 'm=audio 9 RTP/AVP 0' }],
      ['REC-SDP-STREAMS-INVALID', { PJSIP_RECOVERY_SDP_STREAMS: `${PCMU}|o=x 1 1 IN IP4 192.0.2.1` }],
      ['REC-SDP-STREAMS-INVALID', { PJSIP_RECOVERY_SDP_STREAMS: `${PCMU}|a=held:nobody` }],
      ['REC-SDP-STREAMS-INVALID', { PJSIP_RECOVERY_SDP_STREAMS: `a=sendrecv|${PCMU}` }],
      ['REC-SDP-UNSUPPORTED', { PJSIP_RECOVERY_SDP_STREAMS: `${PCMU}|a=encryption:sdes` }],
      ['REC-SDP-UNSUPPORTED', { PJSIP_RECOVERY_SDP_STREAMS: 'm=audio 9 RTP/AVP 96|a=rtpmap:96 speex/16000' }],
      ['REC-SDP-STREAMS-INVALID', { PJSIP_RECOVERY_SDP_STREAMS: 'm=image 9 udptl t38' }],
      ['REC-SDP-UNSUPPORTED', { PJSIP_RECOVERY_SDP_STREAMS: 'm=image 0 udptl t38' }],
      ['REC-SESSION-EXPIRES-INVALID', { PJSIP_RECOVERY_SESSION_EXPIRES: '89;refresher=uac' }],
      ['REC-SESSION-EXPIRES-INVALID', { PJSIP_RECOVERY_SESSION_EXPIRES: '90;refresher=me' }],
      ['REC-TRANSPORT-INVALID', { PJSIP_RECOVERY_TRANSPORT: 'sctp' }],
      ['REC-DIALOG-ALIVE', { ...alive, PJSIP_RECOVERY_CSEQ: '4712' }],
      ['REC-CSEQ-USED', alive],
      ['REC-CSEQ-USED', { ...alive, PJSIP_RECOVERY_CSEQ: '4710' }],
    ];
    const sent = lab.spawn(
      'ast2',
      ['tcpdump', '-i', 'any', '-nn', '-l', '-A', `src host ${address('ast2')} and port 5060`],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let capture = '';
    sent.stdout?.on('data', (some: Buffer) => (capture += some.toString('latin1')));
    const seen = (): string[] => capture.match(/INVITE sip:\S* SIP/g) ?? [];

    // Nobody answers this one: the dialog stays alive, and the capture is known to work.
    await eventually('a capture that sees the node answer the edge', () => capture.includes('SIP/2.0 200'));
    const ringing = await recover(alive);
    await eventually('the INVITE of the good one in the capture', () => seen().length > 0);
    for (const [code, change] of wrong) {
      const channelId = await recover(invented(change));
      expect(await find('ChannelDestroyed', channelId), code).toMatchObject({ cause: 111 });
      expect(refusalOf(channelId)).toEqual([code]);
    }
    // The capture has seen all that was sent before this.
    const ordinary = await recover({}, 'edge', 'ordinary');
    await eventually('the INVITE of an ordinary call', () =>
      seen().some((line) => line.includes('ordinary')),
    );
    expect(new Set(seen()).size).toBe(2);
    for (const channelId of [ringing, ordinary]) await healthy.channels.hangup(channelId);
    sent.kill('SIGKILL');

    const shown = await asterisk('pjsip show recovery');
    expect(shown).toMatch(/Refused REC-CSEQ-INVALID: 2\n/);
    expect(shown).toMatch(/answered 200/);
  });

  let legs = 0;
  async function enter(meeting: string, patience: string, limit = ''): Promise<{ id: string; leg: string }> {
    const target = { context: 'meeting', extension: 'meet', priority: 1 };
    return dial(target, { MEETING: meeting, PATIENCE: patience, LIMIT: limit });
  }
  async function dial(
    target: { context: string; extension: string; priority: number },
    about: Variables,
  ): Promise<{ id: string; leg: string }> {
    const leg = `LEG${(legs += 1)}`;
    const id = `in-dialplan-${leg}`;
    const variables = { ...about, LEG: leg };
    await healthy.channels.originate({
      channelId: id,
      endpoint: 'Local/echo@from-edge/n',
      target,
      variables,
    });
    return { id, leg };
  }
  const status = ({ leg }: { leg: string }): Promise<string> =>
    eventually(
      `the status of ${leg}`,
      async () => new RegExp(`${leg}=(\\w+)`).exec(await asterisk('dialplan show globals'))?.[1],
    );

  it('lets two meet in one bridge, refuses a third, and parts them together', async () => {
    expect(await status(await enter('alone', '0.2'))).toBe('TIMEOUT');
    const first = await enter('together', '30');
    const second = await enter('together', '30');
    await find('ChannelEnteredBridge', first.id);
    await find('ChannelEnteredBridge', second.id);
    expect(await status(await enter('together', '30'))).toBe('FAILED');
    await healthy.channels.hangup(first.id);
    expect(await status(second)).toBe('JOINED');
  });

  it('parts two when the time that one of them brings is over, and takes no time that is none', async () => {
    const first = await enter('limited', '30');
    await find('ChannelEnteredBridge', first.id);
    const second = await enter('limited', '30', '0.5');
    await find('ChannelEnteredBridge', second.id);
    expect(await status(second)).toBe('JOINED');
    expect(await status(first)).toBe('JOINED');
    for (const limit of ['0', '-1', '86401', 'x'])
      expect(await status(await enter('odd', '30', limit))).toBe('FAILED');
  });

  it('lead a leg on at the place that it had, whatever its phone had dialled', async () => {
    const goOn = (extension: string, priority: string, next: string) =>
      dial(
        { context: 'going', extension: 'go', priority: 1 },
        { REINVITE_CONTEXT: 'going', REINVITE_EXTENSION: extension, REINVITE_PRIORITY: priority, NEXT: next },
      );
    expect(await status(await goOn('5551', '2', ''))).toBe('4digits');
    expect(await status(await goOn('5551', '1', 'next'))).toBe('4digits');
    expect(await status(await goOn('5551,4', '1', 'next'))).toBe('6digits');
    const nowhere = await goOn('5551', '0', '');
    await find('ChannelDestroyed', nowhere.id);
  });
});
