import type { Conference } from '../conference/key.js';
import { splitArguments } from './app-data.js';
import type { BridgeRecord, CallJoin, LegRecord } from './call.js';

/** What `ConfBridge` gives as the creator of its bridges. */
const CONFBRIDGE = 'ConfBridge';

/**
 * The conference that legs of one call are in, or on their way to.
 * @param bridge that holds them, where there is one.
 */
export function conferenceOf(
  join: CallJoin,
  bridge: BridgeRecord | null,
  legs: readonly LegRecord[],
): Conference | undefined {
  if (join.kind === 'ari-bridge') return { kind: 'ari-bridge', name: join.bridgeId };
  if (bridge !== null && bridge.creator === CONFBRIDGE && bridge.name !== '')
    return { kind: 'confbridge', name: bridge.name };
  if (bridge !== null) return undefined;
  const [name] = legs.flatMap(({ dialplan: { appName, appData } }) =>
    appName === CONFBRIDGE ? [(splitArguments(appData)[0] ?? '').trim()] : [],
  );
  return name === undefined || name === '' ? undefined : { kind: 'confbridge', name };
}
