import { z } from 'zod';
import type { BridgeObserved, LegObserved } from '../call-facts.js';
import type { Conference } from '../conference/key.js';
import type { BridgeActivity } from '../activity.js';
import { epochMs } from '../node.js';
import type { RestoreCall } from '../restore.js';
import { placeExtras } from './place-work.js';
import type { BridgeResume, LegResume, Resumed } from '../resume.js';

type FactKey = 'type' | 'nodeId' | 'incarnation';

/** A live leg of one incarnation, as the call records hold it. */
export type LegRecord = Omit<LegObserved, FactKey>;

/** A live bridge of one incarnation, as the call records hold it. */
export type BridgeRecord = Omit<BridgeObserved, FactKey>;

/** What lived on an incarnation when it ended. */
export interface LiveRecords {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly legs: readonly LegRecord[];
  readonly bridges: readonly BridgeRecord[];
}

const location = {
  context: z.string().min(1),
  extension: z.string().min(1),
  priority: z.number().int().positive(),
};

/** Where a leg was, and so where its replacement goes on. Kept with the recovery, for the next crash. */
export const legPlace = z.discriminatedUnion('kind', [
  /** In an ARI application. */
  z.object({ kind: z.literal('stasis'), app: z.string().min(1) }),
  /** In an application of the dialplan that can be executed again. */
  z.object({ kind: z.literal('dialplan'), ...location, ...placeExtras }),
  /** Joined to another leg by the application at that location; `continues` where the dialplan goes on after it (`Dial` with `g`). */
  z.object({
    kind: z.literal('dial-caller'),
    ...location,
    continues: z.boolean(),
    /** When the two may talk no longer (`Dial` with `L` or `S`), epoch ms. */
    endsAt: epochMs.optional(),
    mixMonitors: placeExtras.mixMonitors,
    lost: placeExtras.lost,
    diedAt: placeExtras.diedAt,
  }),
  /** Dialled, and joined to the leg that dialled it. */
  z.object({ kind: z.literal('dial-callee') }),
  /** Nowhere that a replacement could go on. */
  z.object({ kind: z.literal('nowhere'), reason: z.enum(['no-continuation', 'bridge-unsupported']) }),
]);
export type LegPlace = z.infer<typeof legPlace>;

/** What is remembered of a replacement channel of ours, by its channel id: a call keeps its id and its place over every crash. */
export interface RestoredLeg {
  readonly callId: string;
  readonly place: LegPlace;
  /** The ARI bridge that the legs of the call were to be joined in, where no call record tells of it. */
  readonly pendingJoin?: AriBridgeJoin;
  readonly takenFrom?: TakenFrom;
  /** What it was given to go on with. */
  readonly resumed?: Resumed<LegResume>;
  /** What the bridge of its call was given to go on with. */
  readonly bridgeResumed?: Resumed<BridgeResume>;
}

/** Where a replacement channel's dialog was before, and which attempt at it the channel was. */
export interface TakenFrom {
  readonly nodeId: string;
  readonly attempt: number;
  /** CSeq of its re-INVITE. */
  readonly cseq: number;
  /** True where that recovery has not ended, or has tried the leg again since: it goes on with what nobody takes from it. */
  readonly goesOn?: boolean;
}

export interface CallLeg {
  /** The ARI channel id that the leg had on the dead incarnation. */
  readonly legId: string;
  readonly record: LegRecord;
  readonly place: LegPlace;
  readonly takenFrom?: TakenFrom;
  /** What it had been given to go on with, where it has come back before. */
  readonly resumed?: Resumed<LegResume>;
}

/** What a call is, for the audit: one leg in an ARI application, legs in an ARI bridge, a pair that the dialplan joined, or one leg in the dialplan. */
export const callKind = z.enum(['stasis', 'ari-bridge', 'dial', 'dialplan']);
export type CallKind = z.infer<typeof callKind>;

export type CallJoin = RestoreCall['join'];
export type AriBridgeJoin = Extract<CallJoin, { kind: 'ari-bridge' }>;

/** The unit of placement and recovery: a leg with its application, or legs joined by a bridge. */
export interface Call {
  /** SIP Call-ID of the leg that was created first; kept over every recovery. Unique within an incarnation. */
  readonly callId: string;
  readonly kind: CallKind;
  readonly nodeId: string;
  readonly incarnation: string;
  /** At least one, in order of creation. */
  readonly legs: readonly CallLeg[];
  /** Channel ids in the call's bridge that are no PJSIP legs. */
  readonly strangers: readonly string[];
  readonly join: CallJoin;
  /** What its bridge was doing. */
  readonly bridgeActivity?: BridgeActivity;
  /** What its bridge had been given to go on with, where the call has come back before. */
  readonly bridgeResumed?: Resumed<BridgeResume>;
  /** Asterisk's `linkedid` of its oldest leg, kept over every recovery; undefined where nobody told it. */
  readonly linkedId?: string;
  /** What its legs were in, where others may be in it on other nodes. */
  readonly conference?: Conference;
}

/** Dialplan context in which replacement channels of a pair meet; see `deploy/asterisk/reinvite-extensions.conf`. */
export const RECOVERED_CONTEXT = 'reinvite-recovered';
