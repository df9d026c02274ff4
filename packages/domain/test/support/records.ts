import type { BridgeRecord, DialogView, LegRecord } from '../../src/index.js';

/** A leg that is up, in the dialplan application `Echo`. */
export function legRecord(channelId: string, change: Partial<LegRecord> = {}): LegRecord {
  return {
    channelId,
    channelName: `PJSIP/edge-${channelId}`,
    endpoint: 'edge',
    sipCallId: `${channelId}@phone`,
    state: 'Up',
    createdAt: 1_000,
    caller: { name: '', number: '100' },
    accountCode: '',
    language: 'en',
    dialplan: { context: 'from-edge', extension: 'echo', priority: 2, appName: 'Echo', appData: '' },
    stasisApp: null,
    dialedBy: null,
    at: 2_000,
    ...change,
  };
}

export function stasisLeg(channelId: string, change: Partial<LegRecord> = {}): LegRecord {
  const dialplan = {
    context: 'from-edge',
    extension: 'app-1',
    priority: 2,
    appName: 'Stasis',
    appData: 'demo,app',
  };
  return legRecord(channelId, { dialplan, stasisApp: 'demo', ...change });
}

export function callerInDial(
  channelId: string,
  appData = 'PJSIP/edge/sip:phone-1@edge,30',
  change: Partial<LegRecord> = {},
): LegRecord {
  const dialplan = { context: 'from-edge', extension: 'dial-1', priority: 3, appName: 'Dial', appData };
  return legRecord(channelId, { dialplan, ...change });
}

export function dialledLeg(channelId: string, dialedBy: string, change: Partial<LegRecord> = {}): LegRecord {
  const dialplan = {
    context: 'from-edge',
    extension: '',
    priority: 1,
    appName: 'AppDial',
    appData: '(Outgoing Line)',
  };
  return legRecord(channelId, { dialplan, dialedBy, createdAt: 1_500, ...change });
}

export function bridgeRecord(
  bridgeId: string,
  channelIds: string[],
  change: Partial<BridgeRecord> = {},
): BridgeRecord {
  return {
    bridgeId,
    bridgeType: 'mixing',
    bridgeClass: 'basic',
    creator: '',
    name: '',
    channelIds,
    at: 2_000,
    ...change,
  };
}

export function ariBridge(
  bridgeId: string,
  channelIds: string[],
  change: Partial<BridgeRecord> = {},
): BridgeRecord {
  return bridgeRecord(bridgeId, channelIds, { bridgeClass: 'stasis', name: `name-${bridgeId}`, ...change });
}

export function dialogView(change: Partial<DialogView> = {}): DialogView {
  const variables = { PJSIP_RECOVERY_REQUEST_URI: 'sip:phone@10.0.0.9:5060', PJSIP_RECOVERY_CSEQ: '11' };
  return { state: 'confirmed', nodeId: 'ast1', unsure: [], variables, inviteCseq: 1, ...change };
}
