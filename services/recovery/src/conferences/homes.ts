import { toJsonb, type Database } from '@reinvite/db';
import type { Place } from '@reinvite/domain';
import { sql } from 'drizzle-orm';

/** So long after a recovery has taken a home its legs may be on their way, and no call record shows them. */
export const FRESH = '60 seconds';

/** An attempt at what is part of a conference, at the node that its recovery would choose. */
export interface WantedHome {
  readonly recoveryId: string;
  /** Key of the conference. */
  readonly conference: string;
  /** As `groupsKey` makes it. */
  readonly groups: string;
  readonly target: Place;
  /** The nodes that may take it. */
  readonly fit: readonly Place[];
  /** Whether a part of the conference lived there when it was planned. */
  readonly lives: boolean;
  /** How long ago that was, ms. */
  readonly knownForMs: number;
  /** An attempt of this recovery has failed: where nobody else has chosen the home it may choose another. */
  readonly again: boolean;
  /** Nodes where it has been in vain. */
  readonly tried: readonly string[];
}

/** Where all of a conference goes. */
export interface TakenHome {
  readonly recoveryId: string;
  readonly home: Place;
}

/** Who is the home of a conference. */
export interface ConferenceHomes {
  /**
   * To be run in the transaction that records the attempts. Where the conference has a home already that is what comes back; the
   * attempt must go there then. Other transactions wait until this one ends.
   */
  take(tx: Database, wanted: readonly WantedHome[]): Promise<TakenHome[]>;
}

interface Row extends Record<string, unknown> {
  readonly conference: string;
  readonly groups: string;
  readonly node_id: string;
  readonly incarnation: string;
}

/**
 * In the table `conference_homes`. A home is kept as long as it is fit, save where a part of the conference lives elsewhere
 * and nobody had come there lately when that was known, nor has since, and where only those have chosen it who have found that
 * they do not get there.
 */
export const postgresHomes: ConferenceHomes = {
  take: async (tx, wanted) => {
    const rows = rowsOf(wanted);
    if (rows.length === 0) return [];
    const { rows: taken } = await tx.execute<Row>(sql`
      with wanted as (
        select * from jsonb_to_recordset(${toJsonb(rows)}::jsonb) as w (conference text, groups text, node_id text,
          incarnation text, lives boolean, known_for_ms float8, again boolean, recovery_ids text[], fit text[])
      )
      insert into conference_homes as home (conference, groups, node_id, incarnation, lived, recovery_ids, since, used_at)
      select conference, groups, node_id, incarnation, lives, recovery_ids, clock_timestamp(), clock_timestamp()
      from wanted order by conference, groups
      on conflict (conference, groups) do update set
        (node_id, incarnation, lived, recovery_ids, since, used_at) = (
          select case when keeps then home.node_id else w.node_id end,
            case when keeps then home.incarnation else w.incarnation end,
            case when keeps then home.lived or (w.lives and is_same) else w.lives end,
            case when keeps then array(select distinct unnest(home.recovery_ids || w.recovery_ids)) else w.recovery_ids end,
            case when keeps then home.since else clock_timestamp() end, clock_timestamp()
          from (
            select wanted.*, (wanted.node_id, wanted.incarnation) = (home.node_id, home.incarnation) as is_same
            from wanted where wanted.conference = home.conference and wanted.groups = home.groups
          ) as w cross join lateral (
            select w.is_same or (
              home.node_id || ' ' || home.incarnation = any(w.fit)
              and not (w.lives
                and home.used_at < clock_timestamp() - ${FRESH}::interval - w.known_for_ms * interval '1 ms')
              and not (w.again and not home.lived and home.recovery_ids <@ w.recovery_ids)
            ) as keeps
          ) as verdict)
      returning conference, groups, node_id, incarnation`);
    const homes = new Map(
      taken.map((row) => [keyOf(row), { nodeId: row.node_id, incarnation: row.incarnation }]),
    );
    return wanted.flatMap((one) => {
      const home = homes.get(keyOf(one));
      return home === undefined ? [] : [{ recoveryId: one.recoveryId, home }];
    });
  },
};

/** One row for each conference: what wants to go to one goes to one node. */
function rowsOf(wanted: readonly WantedHome[]) {
  const byKey = new Map<string, WantedHome[]>();
  for (const one of wanted) byKey.set(keyOf(one), [...(byKey.get(keyOf(one)) ?? []), one]);
  return [...byKey.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    const { conference, groups, target, fit, lives, knownForMs } = first;
    return [
      {
        conference,
        groups,
        node_id: target.nodeId,
        incarnation: target.incarnation,
        lives,
        known_for_ms: knownForMs,
        again: all.every(({ again }) => again),
        recovery_ids: all.map(({ recoveryId }) => recoveryId),
        fit: fit.map(({ nodeId, incarnation }) => `${nodeId} ${incarnation}`),
      },
    ];
  });
}

function keyOf({ conference, groups }: { readonly conference: string; readonly groups: string }): string {
  return `${groups} ${conference}`;
}
