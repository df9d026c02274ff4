import { appendFile } from 'node:fs/promises';
import { connectAri, type AriConnection, type AriEvent } from '@reinvite/ari';
import { startLab, type Lab } from '@reinvite/lab';
import { createLogger } from '@reinvite/runtime';
import { eventually } from '@reinvite/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeldPhone, type InventedDialog, type Step, type Transport } from './held-phone.js';

type Variables = Record<string, string>;

const PCMU = ['m=audio 9 RTP/AVP 0 101', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000'];
/** An endpoint that encrypts where the peer does. */
const OPTIMISTIC = `
[optimistic]
type = endpoint
disallow = all
allow = ulaw
media_encryption = sdes
media_encryption_optimistic = yes
`;
const streams = (...lines: readonly string[]): Variables => ({
  PJSIP_RECOVERY_SDP_STREAMS: lines.join('|'),
});
const hungUp: Step = { takes: 'BYE' };

describe('the offer of a recovering INVITE', () => {
  const stop = new AbortController();
  const events: AriEvent[] = [];
  let lab: Lab;
  let ari: AriConnection;
  let count = 0;

  const phones = (): string => lab.info.hosts.phones?.address ?? '';
  const phones6 = (): string => `[${lab.info.hosts.phones?.address6 ?? ''}]`;
  /** What a phone says of itself in SDP. */
  const said = (version: number, ...lines: readonly string[]): readonly string[] => [
    `o=phone 1 ${version} IN IP4 ${phones()}`,
    's=-',
    `c=IN IP4 ${phones()}`,
    't=0 0',
    ...lines,
  ];
  const audio = (direction = 'sendrecv'): readonly string[] => [
    'm=audio 30000 RTP/AVP 0 101',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
  ];
  const takes = (lines: readonly string[], ...headers: readonly string[]): Step => ({
    takes: 'INVITE',
    answer: said(1, ...lines),
    headers,
  });

  interface Call {
    readonly phone: HeldPhone;
    readonly channelId: string;
    readonly hangUp: () => Promise<void>;
  }
  /** Recovers the dialog of a phone that waits for it. */
  const recover = async (
    variables: Variables,
    steps: readonly Step[],
    how: { endpoint?: string; transport?: Transport; address?: string; target?: string } = {},
  ): Promise<Call> => {
    const port = 22_000 + (count += 1);
    const id = `offer${count}`;
    const dialog: InventedDialog = { callId: `${id}@test`, nodeTag: `${id}-us`, phoneTag: `${id}-phone` };
    const where = { address: how.address ?? phones(), port, transport: how.transport ?? 'udp' };
    const phone = await HeldPhone.wait(lab, dialog, where, steps);
    const target = `sip:phone@${where.address}:${port}${how.target ?? ''}`;
    await ari.channels.originate({
      channelId: id,
      endpoint: `PJSIP/${how.endpoint ?? 'direct'}/${target}`,
      target: { app: 'offers' },
      variables: {
        'PJSIP_RECOVERY_CALL-ID': dialog.callId,
        PJSIP_RECOVERY_CSEQ: '4711',
        PJSIP_RECOVERY_FROM_URI: 'sip:echo@lab.invalid',
        PJSIP_RECOVERY_FROM_TAG: dialog.nodeTag,
        PJSIP_RECOVERY_TO_URI: 'sip:phone@192.168.99.9',
        PJSIP_RECOVERY_TO_TAG: dialog.phoneTag,
        PJSIP_RECOVERY_REQUEST_URI: target,
        ...variables,
      },
    });
    return { phone, channelId: id, hangUp: () => ari.channels.hangup(id) };
  };
  const find = (type: AriEvent['type'], channelId: string): Promise<AriEvent> =>
    eventually(`${type} of ${channelId}`, () =>
      events.find((one) => one.type === type && 'channel' in one && one.channel?.id === channelId),
    );
  /** The whole of a call that ends well: @returns the offer that the phone got. */
  const offered = async (...call: Parameters<typeof recover>): Promise<string> => {
    const { phone, channelId, hangUp } = await recover(...call);
    await find('StasisStart', channelId);
    const [invite] = await phone.received('INVITE');
    await hangUp();
    expect(await phone.ended()).toBe('');
    return invite ?? '';
  };
  /** Holds a channel by ARI, or ends that. */
  const hold = async (channelId: string, method: 'POST' | 'DELETE' = 'POST'): Promise<void> => {
    const { username, password } = lab.info.ari.ast1 ?? { username: '', password: '' };
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const url = `http://${lab.info.hosts.ast1?.address ?? ''}:8088/ari/channels/${channelId}/hold`;
    const { status } = await fetch(url, { method, headers: { authorization } });
    expect(status).toBe(204);
  };
  const linesOf = (message: string, start: string): string[] =>
    message
      .split(/\r?\n/)
      .filter((line) => line.startsWith(start))
      .map((line) => line.replace(/ [1-9]\d* (?=RTP|UDP)/, ' PORT '));

  beforeAll(async () => {
    lab = process.env.DEV_LAB
      ? await findLab(process.env.DEV_LAB)
      : await startLab({ nodes: 1, reinvite: false });
    const { username, password } = lab.info.ari.ast1 ?? { username: '', password: '' };
    ari = connectAri({
      url: `http://${lab.info.hosts.ast1?.address ?? ''}:8088`,
      username,
      password,
      app: 'offers',
      log: createLogger('test', 'silent'),
      signal: stop.signal,
      subscribeAll: true,
    });
    await ari.whenUp();
    ari.on('event', (one) => events.push(one));
    await appendFile(lab.hostPath('ast1', '/etc/asterisk/pjsip.conf'), OPTIMISTIC);
    await lab.exec('ast1', ['asterisk', '-rx', 'module reload res_pjsip.so']);
  });
  afterAll(async () => {
    stop.abort(new Error('the tests are over'));
    await lab.down();
  });

  it('has the origin of the session, its version raised', async () => {
    const steps = [takes(audio()), hungUp];
    const origin = { PJSIP_RECOVERY_SDP_ORIGIN: '3000000000 4000000000' };
    const raised = [expect.stringMatching(/^o=\S+ 3000000000 4000000001 IN IP4 \S+$/)];
    expect(linesOf(await offered(origin, steps), 'o=')).toEqual(raised);
    expect(linesOf(await offered({ ...origin, ...streams(...PCMU) }, steps), 'o=')).toEqual(raised);
  });

  it('goes on with that origin when Asterisk makes the next offer', async () => {
    const call = await recover(
      { PJSIP_RECOVERY_SDP_ORIGIN: '70 80', ...streams(...PCMU) },
      [takes(audio()), takes(audio('recvonly')), hungUp],
      { endpoint: 'direct-hold' },
    );
    await find('StasisStart', call.channelId);
    await hold(call.channelId);
    const [, next] = await call.phone.received('INVITE', 2);
    expect(linesOf(next ?? '', 'o=')).toEqual([expect.stringMatching(/^o=\S+ 70 82 /)]);
    await call.hangUp();
    expect(await call.phone.ended()).toBe('');
  });

  it.each([
    ['held by us', 'sendonly', 'a=held:local', 'recvonly'],
    ['held by the phone', 'recvonly', 'a=held:remote', 'sendonly'],
    ['held by both', 'inactive', 'a=held:both', 'inactive'],
    ['held by a phone that does not send either', 'inactive', 'a=held:remote', 'inactive'],
    ['of a phone that only listens', 'sendonly', 'a=encryption:none', 'recvonly'],
  ])('keeps the direction of a stream %s', async (_, direction, more, answer) => {
    const steps = [takes(audio(answer)), hungUp];
    const invite = await offered(streams(...PCMU, `a=${direction}`, more), steps);
    expect(linesOf(invite, 'a=').slice(-1)).toEqual([`a=${direction}`]);
  });

  it('can end its own hold, and keeps it until then', async () => {
    const call = await recover(
      streams(...PCMU, 'a=sendonly', 'a=held:local'),
      [takes(audio('recvonly')), { sends: 'INVITE', offer: said(2, ...audio()) }, takes(audio()), hungUp],
      { endpoint: 'direct-hold' },
    );
    await find('StasisStart', call.channelId);
    const [answer] = await call.phone.received('SIP/2.0 200');
    expect(linesOf(answer ?? '', 'a=sendonly')).toHaveLength(1);
    await hold(call.channelId, 'DELETE');
    const [, resumed] = await call.phone.received('INVITE', 2);
    expect(linesOf(resumed ?? '', 'a=sendrecv')).toHaveLength(1);
    await call.hangUp();
    expect(await call.phone.ended()).toBe('');
  });

  it('knows that the phone holds, and lets it resume', async () => {
    const call = await recover(streams(...PCMU, 'a=recvonly', 'a=held:remote'), [
      takes(audio('sendonly')),
      { sends: 'INVITE', offer: said(2, ...audio()) },
      hungUp,
    ]);
    await find('ChannelHold', call.channelId);
    await find('ChannelUnhold', call.channelId);
    const [answer] = await call.phone.received('SIP/2.0 200');
    expect(linesOf(answer ?? '', 'a=sendrecv')).toHaveLength(1);
    await call.hangUp();
    expect(await call.phone.ended()).toBe('');
  });

  it('offers the codec in use first, each under the payload type that it had', async () => {
    const formats = [
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 maxplaybackrate=16000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:98 telephone-event/48000',
      'a=rtpmap:100 telephone-event/8000',
    ];
    const invite = await offered(
      streams('m=audio 9 RTP/AVP 96 8 98 100', ...formats),
      [
        takes(['m=audio 30000 RTP/AVP 96 98', ...formats.slice(0, 1), 'a=rtpmap:98 telephone-event/48000']),
        hungUp,
      ],
      { endpoint: 'direct-codecs' },
    );
    expect(linesOf(invite, 'm=')).toEqual(['m=audio PORT RTP/AVP 96 8 98 100']);
    expect(linesOf(invite, 'a=rtpmap')).toEqual(formats.filter((line) => line.includes('rtpmap')));
    expect(linesOf(invite, 'a=fmtp:96')).toEqual([expect.stringContaining('maxplaybackrate=16000')]);
  });

  it.each(['AES_CM_128_HMAC_SHA1_32', 'AES_CM_128_HMAC_SHA1_80'])(
    'offers SRTP with fresh keys: %s',
    async (suite) => {
      const described = streams('m=audio 9 RTP/SAVP 0', 'a=rtpmap:0 PCMU/8000', `a=encryption:sdes ${suite}`);
      const key = Buffer.alloc(30, 7).toString('base64');
      const answer = [
        'm=audio 30000 RTP/SAVP 0',
        'a=rtpmap:0 PCMU/8000',
        `a=crypto:1 ${suite} inline:${key}`,
      ];
      const offers = [];
      for (const _ of [1, 2])
        offers.push(await offered(described, [takes(answer), hungUp], { endpoint: 'direct-srtp' }));
      for (const offer of offers) expect(linesOf(offer, 'm=')[0]).toMatch(/^m=audio PORT RTP\/SAVP 0/);
      const keys = offers.flatMap((offer) => linesOf(offer, 'a=crypto'));
      expect(keys).toEqual(
        [1, 2].map(() => expect.stringMatching(new RegExp(`^a=crypto:1 ${suite} inline:\\S{40}$`)) as string),
      );
      expect(new Set(keys).size).toBe(2);
    },
  );

  it('keeps to the form that the leg had where the endpoint could do either', async () => {
    const clear = await offered(
      streams('m=audio 9 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', 'a=encryption:none'),
      [takes(audio()), hungUp],
      { endpoint: 'optimistic' },
    );
    expect(linesOf(clear, 'm=')[0]).toMatch(/^m=audio PORT RTP\/AVP 0/);
    expect(linesOf(clear, 'a=crypto')).toEqual([]);
    const key = Buffer.alloc(30, 7).toString('base64');
    const line = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`;
    const secret = await offered(
      streams('m=audio 9 RTP/SAVP 0', 'a=rtpmap:0 PCMU/8000', 'a=encryption:sdes'),
      [takes(['m=audio 30000 RTP/SAVP 0', 'a=rtpmap:0 PCMU/8000', line]), hungUp],
      { endpoint: 'optimistic' },
    );
    expect(linesOf(secret, 'm=')[0]).toMatch(/^m=audio PORT RTP\/SAVP 0/);
    expect(linesOf(secret, 'a=crypto')).toHaveLength(1);
  });

  it('offers DTLS anew, by a fingerprint of its own', async () => {
    const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
    const invite = await offered(
      streams('m=audio 9 UDP/TLS/RTP/SAVP 0', 'a=rtpmap:0 PCMU/8000', 'a=encryption:dtls'),
      [
        takes([
          'm=audio 30000 UDP/TLS/RTP/SAVP 0',
          'a=rtpmap:0 PCMU/8000',
          'a=setup:active',
          `a=fingerprint:SHA-256 ${fingerprint}`,
        ]),
        hungUp,
      ],
      { endpoint: 'direct-dtls' },
    );
    expect(linesOf(invite, 'm=')[0]).toMatch(/^m=audio PORT UDP\/TLS\/RTP\/SAVP 0/);
    expect(linesOf(invite, 'a=setup')).toEqual(['a=setup:actpass']);
    expect(linesOf(invite, 'a=fingerprint')).toEqual([
      expect.stringMatching(/^a=fingerprint:SHA-256 (\w\w:){31}\w\w$/),
    ]);
  });

  it('has as many streams as before, in their order; those that were off stay off', async () => {
    const off = ['m=application 0 UDP/BFCP *', 'm=video 0 RTP/AVP 99'];
    const invite = await offered(streams(...off, ...PCMU, 'm=image 0 udptl t38'), [
      takes([...off, ...audio(), 'm=image 0 udptl t38']),
      hungUp,
    ]);
    expect(linesOf(invite, 'm=')).toEqual([
      'm=application 0 UDP/BFCP *',
      'm=video 0 RTP/AVP 99',
      expect.stringMatching(/^m=audio PORT RTP\/AVP 0 101$/),
      'm=image 0 udptl t38',
    ]);
  });

  it.each(['tcp', 'tls'] as const)(
    'goes on over %s, which the URI of the phone does not name',
    async (transport) => {
      const invite = await offered(
        { PJSIP_RECOVERY_TRANSPORT: transport, ...streams(...PCMU) },
        [takes(audio()), hungUp],
        { transport },
      );
      expect(linesOf(invite, 'Via:')).toEqual([
        expect.stringContaining(`SIP/2.0/${transport.toUpperCase()} `),
      ]);
      expect(linesOf(invite, 'Contact:')).toEqual([
        expect.stringContaining(`;transport=${transport.toUpperCase()}`),
      ]);
    },
  );

  it.each(['udp', 'tcp', 'tls'] as const)('goes on over IPv6 and %s', async (transport) => {
    const address = phones6();
    const host = address.slice(1, -1);
    const answer = ['o=phone 1 1 IN IP6 ' + host, 's=-', `c=IN IP6 ${host}`, 't=0 0', ...audio()];
    const invite = await offered(
      { PJSIP_RECOVERY_TRANSPORT: transport, ...streams(...PCMU) },
      [{ takes: 'INVITE', answer }, hungUp],
      { transport, address, endpoint: 'direct-6' },
    );
    expect(linesOf(invite, 'c=')).toEqual([`c=IN IP6 ${lab.info.hosts.ast1?.address6 ?? ''}`]);
    expect(linesOf(invite, 'Contact:')).toEqual([
      expect.stringContaining(`[${lab.info.hosts.ast1?.address6 ?? ''}]`),
    ]);
  });

  it.each([
    ['uac', 'we refresh'],
    ['uas', 'the phone refreshes'],
  ])('goes on with the session timer, refresher=%s: %s', { timeout: 120_000 }, async (refresher) => {
    const timer = `Session-Expires: 90;refresher=${refresher}`;
    const update: Step =
      refresher === 'uac'
        ? { takes: 'UPDATE', headers: [timer] }
        : { sends: 'UPDATE', offer: [], headers: ['Supported: timer', 'Session-Expires: 90;refresher=uac'] };
    const call = await recover(
      { PJSIP_RECOVERY_SESSION_EXPIRES: `90;refresher=${refresher}`, ...streams(...PCMU) },
      [takes(audio(), timer, 'Require: timer'), update, hungUp],
    );
    await find('StasisStart', call.channelId);
    const [invite] = await call.phone.received('INVITE');
    expect(linesOf(invite ?? '', 'Session-Expires')).toEqual([timer]);
    expect(linesOf(invite ?? '', 'Min-SE')).toEqual(['Min-SE: 90']);
    if (refresher === 'uac') {
      const [refresh] = await call.phone.received('UPDATE', 1, 60_000);
      expect(linesOf(refresh ?? '', 'Session-Expires')).toEqual([timer]);
    } else {
      const [answer] = await call.phone.received('SIP/2.0 200');
      expect(linesOf(answer ?? '', 'Session-Expires')).toEqual(['Session-Expires: 90;refresher=uac']);
    }
    await call.hangUp();
    expect(await call.phone.ended()).toBe('');
  });
});
