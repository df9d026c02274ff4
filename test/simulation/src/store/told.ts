import { recoveryStream } from '@reinvite/domain';
import { toldFacts, type ToldByAgents, type ToldRow } from '@reinvite/recovery/logic';
import type { Process } from '../world/process.js';
import type { Postgres } from './server.js';
import { keyOf, type Tables } from './tables.js';

/** What the agents have told of the latest attempts of recoveries, by the rules of its query. */
export function simulatedTold(process: Process, postgres: Postgres): ToldByAgents {
  return (recoveryIds) => {
    if (recoveryIds.length === 0) return Promise.resolve([]);
    return postgres.transact(process, 'read what agents told', (_tx, tables) =>
      toldFacts(recoveryIds.flatMap((recoveryId) => rowsIn(tables, recoveryId))),
    );
  };
}

function rowsIn(tables: Tables, recoveryId: string): ToldRow[] {
  const recovery = tables.recoveries.get(recoveryId);
  if (recovery === undefined || recovery.outcome !== null) return [];
  const { target, target_incarnation: incarnation, call_id, attempts } = recovery;
  const legs = [...tables.legs.values()].filter((leg) => leg.recovery_id === recoveryId);
  const [plan] = tables.streams.get(recoveryStream(recoveryId)) ?? [];
  const { join } = JSON.parse(plan?.json ?? '{}') as { readonly join?: { readonly bridgeId?: string } };
  const bridge = tables.callBridges.get(keyOf(target ?? '', incarnation ?? '', join?.bridgeId ?? ''));
  return legs.flatMap((leg): ToldRow[] => {
    const { leg_id, channel_id, attempt } = leg;
    const isLatest = legs.every((one) => one.leg_id !== leg_id || one.attempt <= attempt);
    if (channel_id === null || !isLatest) return [];
    const heard = tables.callLegs.get(keyOf(target ?? '', incarnation ?? '', channel_id));
    const isThere = heard !== undefined && heard.goneAt === null;
    const isIn = bridge !== undefined && bridge.goneAt === null && bridge.channelIds.includes(channel_id);
    return [
      {
        ...{ recovery_id: recoveryId, call_id, attempts, target: target ?? '', leg_id, channel_id, attempt },
        is_up: isThere && heard.state === 'Up',
        bridge_id: isIn ? bridge.bridgeId : null,
        at: isThere ? heard.at : 0,
      },
    ];
  });
}
