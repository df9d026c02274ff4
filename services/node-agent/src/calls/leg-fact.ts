import type { AriBridge, AriChannel } from '@reinvite/ari';
import type { BridgeObserved, LegObserved } from '@reinvite/domain';

/** Whose fact it is, and when it was seen. */
export interface FactHeader {
  readonly nodeId: string;
  readonly incarnation: string;
  /** Epoch ms. */
  readonly at: number;
}

const PJSIP_NAME = /^PJSIP\/(.+)-[0-9a-f]{8}$/;

/**
 * The leg that a channel is; undefined for a channel of another technology, for the remains of a masquerade, and for one
 * that has no SIP Call-ID yet: in the first moment of its life Asterisk has not given it one, and another event follows.
 */
export function legFact(
  channel: AriChannel,
  dialedBy: string | null,
  header: FactHeader,
): LegObserved | undefined {
  const endpoint = PJSIP_NAME.exec(channel.name)?.[1];
  if (endpoint === undefined || channel.protocolId === '') return undefined;
  const { id, name, state, protocolId, createdAt, caller, accountCode, language, dialplan } = channel;
  return {
    ...header,
    type: 'LegObserved',
    channelId: id,
    channelName: name,
    endpoint,
    sipCallId: protocolId,
    state,
    createdAt,
    caller,
    accountCode,
    language,
    dialplan,
    stasisApp: stasisApp(dialplan),
    dialedBy,
    ...linkedIdOf(channel),
  };
}

/** A channel that has come back belongs to the call that it was; Asterisk itself takes it for a new one. */
function linkedIdOf({ variables }: AriChannel): Pick<LegObserved, 'linkedId'> {
  const linkedId = variables['REINVITE_LINKEDID'] || variables['CHANNEL(linkedid)'];
  return linkedId === undefined || linkedId === '' ? {} : { linkedId };
}

export function bridgeFact(bridge: AriBridge, header: FactHeader): BridgeObserved {
  const { id: bridgeId, bridgeType, bridgeClass, creator, name, channelIds } = bridge;
  return { ...header, type: 'BridgeObserved', bridgeId, bridgeType, bridgeClass, creator, name, channelIds };
}

/** Asterisk runs `Stasis(app,args…)` also on a channel that ARI originated into an application. */
function stasisApp({ appName, appData }: AriChannel['dialplan']): string | null {
  if (appName !== 'Stasis') return null;
  return appData.split(',', 1)[0] ?? null;
}
