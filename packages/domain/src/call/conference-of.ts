import type { Conference } from '../conference/key.js';
import { splitArguments } from './app-data.js';
import type { BridgeRecord, CallJoin, LegRecord } from './call.js';

/** Name of the application, and what it gives as the creator of its bridges. */
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
  const name = namedBy(CONFBRIDGE, legs);
  if (name !== '') return { kind: 'confbridge', name };
  // Those who wait in one queue keep their order only where they wait together.
  const queue = join.kind === 'none' ? namedBy('Queue', legs) : '';
  return queue === '' ? undefined : { kind: 'queue', name: queue };
}

/** The first argument of an application that one of the legs is in; empty where none is. */
function namedBy(application: string, legs: readonly LegRecord[]): string {
  const [name = ''] = legs.flatMap(({ dialplan: { appName, appData } }) =>
    appName === application ? [(splitArguments(appData)[0] ?? '').trim()] : [],
  );
  return name;
}
