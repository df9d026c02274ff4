import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Step } from './held-phone.js';
import {
  HUNG_UP,
  linesOf,
  RecoveringNode,
  streams,
  VOICE,
  voice,
  type Recovered,
} from './recovering-node.js';

describe('a recovered dialog', () => {
  let node: RecoveringNode;
  let refreshed: Recovered;

  const timer = (refresher: 'uac' | 'uas'): string => `Session-Expires: 90;refresher=${refresher}`;
  const withTimer = (refresher: 'uac' | 'uas', update: Step): Promise<Recovered> =>
    node.recover({ PJSIP_RECOVERY_SESSION_EXPIRES: `90;refresher=${refresher}`, ...streams(...VOICE) }, [
      node.takes(voice(), timer(refresher), 'Require: timer'),
      update,
      HUNG_UP,
    ]);
  const offersTimer = async ({ phone }: Recovered, refresher: 'uac' | 'uas'): Promise<void> => {
    const [invite] = await phone.received('INVITE');
    expect(linesOf(invite, 'Session-Expires')).toEqual([timer(refresher)]);
    expect(linesOf(invite, 'Min-SE')).toEqual(['Min-SE: 90']);
  };

  beforeAll(async () => {
    node = await RecoveringNode.start();
    // We refresh after half of the 90 s, while the other tests run.
    refreshed = await withTimer('uac', { takes: 'UPDATE', headers: [timer('uac')] });
  });
  afterAll(() => node.down());

  it.each(['tcp', 'tls'] as const)(
    'goes on over %s, which the URI of the phone does not name',
    async (transport) => {
      const invite = await node.offered(
        { PJSIP_RECOVERY_TRANSPORT: transport, ...streams(...VOICE) },
        [node.takes(voice()), HUNG_UP],
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
    const address = `[${node.address('phones', 'address6')}]`;
    const host = address.slice(1, -1);
    const answer = ['o=phone 1 1 IN IP6 ' + host, 's=-', `c=IN IP6 ${host}`, 't=0 0', ...voice()];
    const invite = await node.offered(
      { PJSIP_RECOVERY_TRANSPORT: transport, ...streams(...VOICE) },
      [{ takes: 'INVITE', answer }, HUNG_UP],
      { transport, address, endpoint: 'direct-6' },
    );
    expect(linesOf(invite, 'c=')).toEqual([`c=IN IP6 ${node.address('ast1', 'address6')}`]);
    expect(linesOf(invite, 'Contact:')).toEqual([
      expect.stringContaining(`[${node.address('ast1', 'address6')}]`),
    ]);
  });

  it('goes on with the session timer, which the phone refreshes', async () => {
    const call = await withTimer('uas', {
      sends: 'UPDATE',
      offer: [],
      headers: ['Supported: timer', 'Session-Expires: 90;refresher=uac'],
    });
    await offersTimer(call, 'uas');
    const [answer] = await call.phone.received('SIP/2.0 200');
    expect(linesOf(answer, 'Session-Expires')).toEqual(['Session-Expires: 90;refresher=uac']);
    await node.hangUp(call);
  });

  it('goes on with the session timer, which we refresh', { timeout: 120_000 }, async () => {
    await offersTimer(refreshed, 'uac');
    const [refresh] = await refreshed.phone.received('UPDATE', 1, 60_000);
    expect(linesOf(refresh, 'Session-Expires')).toEqual([timer('uac')]);
    await node.hangUp(refreshed);
  });
});
