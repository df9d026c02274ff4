import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HUNG_UP, linesOf, RecoveringNode, streams, VOICE, voice } from './recovering-node.js';

/** An endpoint that encrypts where the peer does. */
const OPTIMISTIC = `
[optimistic]
type = endpoint
disallow = all
allow = ulaw
media_encryption = sdes
media_encryption_optimistic = yes
`;

describe('the offer of a recovering INVITE', () => {
  let node: RecoveringNode;
  beforeAll(async () => {
    node = await RecoveringNode.start(OPTIMISTIC);
  });
  afterAll(() => node.down());

  it('has the origin of the session, its version raised', async () => {
    const steps = [node.takes(voice()), HUNG_UP];
    const origin = { PJSIP_RECOVERY_SDP_ORIGIN: '3000000000 4000000000' };
    const raised = [expect.stringMatching(/^o=\S+ 3000000000 4000000001 IN IP4 \S+$/)];
    expect(linesOf(await node.offered(origin, steps), 'o=')).toEqual(raised);
    expect(linesOf(await node.offered({ ...origin, ...streams(...VOICE) }, steps), 'o=')).toEqual(raised);
  });

  it('goes on with that origin when Asterisk makes the next offer', async () => {
    const call = await node.recover(
      { PJSIP_RECOVERY_SDP_ORIGIN: '70 80', ...streams(...VOICE) },
      [node.takes(voice()), node.takes(voice('recvonly')), HUNG_UP],
      { endpoint: 'direct-hold' },
    );
    await node.hold(call, 'POST');
    const [, next] = await call.phone.received('INVITE', 2);
    expect(linesOf(next, 'o=')).toEqual([expect.stringMatching(/^o=\S+ 70 82 /)]);
    await node.hangUp(call);
  });

  it.each([
    ['held by us', 'sendonly', 'a=held:local', 'recvonly'],
    ['held by the phone', 'recvonly', 'a=held:remote', 'sendonly'],
    ['held by both', 'inactive', 'a=held:both', 'inactive'],
    ['held by a phone that does not send either', 'inactive', 'a=held:remote', 'inactive'],
    ['of a phone that only listens', 'sendonly', 'a=encryption:none', 'recvonly'],
  ])('keeps the direction of a stream %s', async (_, direction, more, answer) => {
    const steps = [node.takes(voice(answer)), HUNG_UP];
    const invite = await node.offered(streams(...VOICE, `a=${direction}`, more), steps);
    expect(linesOf(invite, 'a=').slice(-1)).toEqual([`a=${direction}`]);
  });

  it('can end its own hold, and keeps it until then', async () => {
    const call = await node.recover(
      streams(...VOICE, 'a=sendonly', 'a=held:local'),
      [
        node.takes(voice('recvonly')),
        { sends: 'INVITE', offer: node.said(2, ...voice()) },
        node.takes(voice()),
        HUNG_UP,
      ],
      { endpoint: 'direct-hold' },
    );
    const [answer] = await call.phone.received('SIP/2.0 200');
    expect(linesOf(answer, 'a=sendonly')).toHaveLength(1);
    await node.hold(call, 'DELETE');
    const [, resumed] = await call.phone.received('INVITE', 2);
    expect(linesOf(resumed, 'a=sendrecv')).toHaveLength(1);
    await node.hangUp(call);
  });

  it('knows that the phone holds, and lets it resume', async () => {
    const call = await node.recover(streams(...VOICE, 'a=recvonly', 'a=held:remote'), [
      node.takes(voice('sendonly')),
      { sends: 'INVITE', offer: node.said(2, ...voice()) },
      HUNG_UP,
    ]);
    await node.event('ChannelHold', call.channelId);
    await node.event('ChannelUnhold', call.channelId);
    const [answer] = await call.phone.received('SIP/2.0 200');
    expect(linesOf(answer, 'a=sendrecv')).toHaveLength(1);
    await node.hangUp(call);
  });

  it('offers the codec in use first, each under the payload type that it had', async () => {
    const formats = [
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 maxplaybackrate=16000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:98 telephone-event/48000',
      'a=rtpmap:100 telephone-event/8000',
    ];
    const invite = await node.offered(
      streams('m=audio 9 RTP/AVP 96 8 98 100', ...formats),
      [
        node.takes([
          'm=audio 30000 RTP/AVP 96 98',
          ...formats.slice(0, 1),
          'a=rtpmap:98 telephone-event/48000',
        ]),
        HUNG_UP,
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
      const offer = (): Promise<string> =>
        node.offered(described, [node.takes(answer), HUNG_UP], { endpoint: 'direct-srtp' });
      const offers = [await offer(), await offer()];
      for (const one of offers) expect(linesOf(one, 'm=')[0]).toMatch(/^m=audio PORT RTP\/SAVP 0/);
      const keys = offers.flatMap((one) => linesOf(one, 'a=crypto'));
      expect(keys).toEqual(
        [1, 2].map(() => expect.stringMatching(new RegExp(`^a=crypto:1 ${suite} inline:\\S{40}$`)) as string),
      );
      expect(new Set(keys).size).toBe(2);
    },
  );

  it('keeps to the form that the leg had where the endpoint could do either', async () => {
    const clear = await node.offered(
      streams('m=audio 9 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', 'a=encryption:none'),
      [node.takes(voice()), HUNG_UP],
      { endpoint: 'optimistic' },
    );
    expect(linesOf(clear, 'm=')[0]).toMatch(/^m=audio PORT RTP\/AVP 0/);
    expect(linesOf(clear, 'a=crypto')).toEqual([]);
    const key = Buffer.alloc(30, 7).toString('base64');
    const line = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`;
    const secret = await node.offered(
      streams('m=audio 9 RTP/SAVP 0', 'a=rtpmap:0 PCMU/8000', 'a=encryption:sdes'),
      [node.takes(['m=audio 30000 RTP/SAVP 0', 'a=rtpmap:0 PCMU/8000', line]), HUNG_UP],
      { endpoint: 'optimistic' },
    );
    expect(linesOf(secret, 'm=')[0]).toMatch(/^m=audio PORT RTP\/SAVP 0/);
    expect(linesOf(secret, 'a=crypto')).toHaveLength(1);
  });

  it('offers DTLS anew, by a fingerprint of its own', async () => {
    const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
    const invite = await node.offered(
      streams('m=audio 9 UDP/TLS/RTP/SAVP 0', 'a=rtpmap:0 PCMU/8000', 'a=encryption:dtls'),
      [
        node.takes([
          'm=audio 30000 UDP/TLS/RTP/SAVP 0',
          'a=rtpmap:0 PCMU/8000',
          'a=setup:active',
          `a=fingerprint:SHA-256 ${fingerprint}`,
        ]),
        HUNG_UP,
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
    const invite = await node.offered(streams(...off, ...VOICE, 'm=image 0 udptl t38'), [
      node.takes([...off, ...voice(), 'm=image 0 udptl t38']),
      HUNG_UP,
    ]);
    expect(linesOf(invite, 'm=')).toEqual([
      'm=application 0 UDP/BFCP *',
      'm=video 0 RTP/AVP 99',
      expect.stringMatching(/^m=audio PORT RTP\/AVP 0 101$/),
      'm=image 0 udptl t38',
    ]);
  });
});
