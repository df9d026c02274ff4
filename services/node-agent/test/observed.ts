import type { AriBridge, AriChannel, AriEvent } from '@reinvite/ari';

/** Builders of what ARI tells. */
export function channel(id: string, change: Partial<AriChannel> = {}): AriChannel {
  return {
    id,
    name: `PJSIP/edge-${id.padStart(8, '0')}`,
    state: 'Up',
    protocolId: `call-${id}`,
    caller: { name: '', number: '100' },
    connected: { name: '', number: '' },
    accountCode: '',
    language: 'en',
    createdAt: 1_000,
    dialplan: {
      context: 'from-edge',
      extension: 'app-1',
      priority: 2,
      appName: 'Stasis',
      appData: 'demo,app',
    },
    variables: {},
    ...change,
  };
}

export function inApp(
  appName: string,
  appData = '',
  extension = 'dial-1',
  priority = 1,
): Partial<AriChannel> {
  return { dialplan: { context: 'from-edge', extension, priority, appName, appData } };
}

export function bridge(id: string, channelIds: string[], bridgeClass = 'stasis'): AriBridge {
  return {
    id,
    technology: 'simple_bridge',
    bridgeType: 'mixing',
    bridgeClass,
    creator: '',
    name: '',
    channelIds,
  };
}

const header = (timestamp: number) => ({ timestamp, application: 'reinvite-agent' });

export const changed = (of: AriChannel, at = 2_000): AriEvent => ({
  ...header(at),
  type: 'ChannelStateChange',
  channel: of,
});

export const destroyed = (of: AriChannel, cause = 16, at = 9_000): AriEvent => ({
  ...header(at),
  type: 'ChannelDestroyed',
  channel: of,
  cause,
  cause_txt: '',
});

export const dialed = (
  caller: AriChannel | undefined,
  peer: AriChannel,
  dialstatus = '',
  at = 2_000,
): AriEvent => ({
  ...header(at),
  type: 'Dial',
  caller,
  peer,
  dialstring: '',
  dialstatus,
});

export const entered = (of: AriBridge, who: AriChannel, at = 3_000): AriEvent => ({
  ...header(at),
  type: 'ChannelEnteredBridge',
  bridge: of,
  channel: who,
});

export const bridgeCreated = (of: AriBridge, at = 2_000): AriEvent => ({
  ...header(at),
  type: 'BridgeCreated',
  bridge: of,
});

export const bridgeDestroyed = (of: AriBridge, at = 9_000): AriEvent => ({
  ...header(at),
  type: 'BridgeDestroyed',
  bridge: of,
});
