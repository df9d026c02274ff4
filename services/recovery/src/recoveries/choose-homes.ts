import type { Database } from '@reinvite/db';
import {
  candidatesWithin,
  isSamePlace,
  livedAt,
  type Candidate,
  type Place,
  type PlanRecovery,
  type RecoveryCommand,
  type RecoveryEvent,
  type RecoveryPlanned,
  type RecoveryState,
} from '@reinvite/domain';
import { codedError, isCoded } from '@reinvite/runtime';
import { groupsKey } from '../conferences/groups-key.js';
import type { ConferenceHomes, TakenHome, WantedHome } from '../conferences/homes.js';

/** Where the conferences of recoveries are, by recovery. */
export type HomesByRecovery = ReadonlyMap<string, Place>;

/** More often nobody else can have been first: each home that comes back is one that was fit a moment ago. */
const ROUNDS = 8;

/** Attempts at what is part of a conference among the events of one recovery. */
export function wantedHomes(
  state: RecoveryState,
  events: readonly RecoveryEvent[],
  fit: readonly Candidate[],
): WantedHome[] {
  const plan = planOf(state, events);
  if (plan?.conference === undefined) return [];
  const { recoveryId, conference, limits } = plan;
  const groups = groupsKey(limits.targetGroups ?? []);
  return events.flatMap((event) => {
    if (event.type !== 'AttemptStarted') return [];
    const target = { nodeId: event.target, incarnation: event.targetIncarnation };
    const lives = livedAt(conference, [target]) !== null;
    const knownForMs = event.at - plan.at;
    const again = event.attempt > 1;
    const able = candidatesWithin(fit, limits.targetGroups);
    const tried = triedBy(state);
    return [
      { recoveryId, conference: conference.key, groups, target, fit: able, lives, knownForMs, again, tried },
    ];
  });
}

/** Nodes that a recovery had been to in vain, and that may well be alive. */
function triedBy(state: RecoveryState): string[] {
  if (state.phase !== 'restoring') return [];
  const { tried, targetDead, attempt } = state;
  return tried.filter((nodeId) => !targetDead || nodeId !== attempt.target);
}

function planOf(
  state: RecoveryState,
  events: readonly RecoveryEvent[],
): Omit<RecoveryPlanned, 'type'> | undefined {
  return state.phase === 'unplanned' ? events.find((event) => event.type === 'RecoveryPlanned') : state.plan;
}

/**
 * Takes the homes in the transaction that records the attempts. A recovery that has been at the home, and whose phones do not answer
 * there, goes its own way: to be in the call without the conference is better than not to be in it.
 * @throws CodedError `CONFERENCE_ELSEWHERE` where somebody else has chosen another home: see {@link atHomes}.
 */
export async function takeHomes(
  homes: ConferenceHomes,
  tx: Database,
  wanted: readonly WantedHome[],
): Promise<void> {
  if (wanted.length === 0) return;
  const taken = await homes.take(tx, wanted);
  const asked = new Map(wanted.map((one) => [one.recoveryId, one]));
  const elsewhere = taken.filter(({ recoveryId, home }) => {
    const one = asked.get(recoveryId);
    return one !== undefined && !isSamePlace(one.target, home) && !one.tried.includes(home.nodeId);
  });
  if (elsewhere.length > 0)
    throw codedError('CONFERENCE_ELSEWHERE', 'the conference is being joined on another node', {
      homes: elsewhere,
    });
}

/**
 * Records what is decided, and decides anew where a conference turns out to have a home.
 * @param work is given the homes that are known by then.
 * @throws what `work` rejects with.
 */
export async function atHomes<T>(work: (homes: HomesByRecovery) => Promise<T>): Promise<T> {
  let homes: HomesByRecovery = new Map();
  for (let round = 1; ; round += 1) {
    try {
      return await work(homes);
    } catch (error) {
      if (!isCoded(error, 'CONFERENCE_ELSEWHERE') || round === ROUNDS) throw error;
      const told = error.details['homes'] as readonly TakenHome[];
      homes = new Map([...homes, ...told.map(({ recoveryId, home }) => [recoveryId, home] as const)]);
    }
  }
}

/** The plan of a call that can only go there. */
export function planAtHome(command: PlanRecovery, home: Place | undefined): PlanRecovery {
  if (home === undefined) return command;
  return { ...command, target: command.fit?.find((one) => isSamePlace(one, home)) ?? null };
}

/** A command to a recovery whose call can only go there. */
export function commandAtHome(command: RecoveryCommand, home: Place | undefined): RecoveryCommand {
  if (home === undefined || !('candidates' in command)) return command;
  return { ...command, candidates: command.candidates.filter((one) => isSamePlace(one, home)) };
}

/** The nodes that may take what commands ask for. */
export function fitFor(commands: readonly RecoveryCommand[]): readonly Candidate[] {
  return commands.reduce<readonly Candidate[]>((fit, command) => {
    if (command.type === 'PlanRecovery') return command.fit ?? fit;
    return 'candidates' in command ? command.candidates : fit;
  }, []);
}
