import { expect } from 'vitest';
import {
  decide,
  evolve,
  unplanned,
  type RecoveryCommand,
  type RecoveryEvent,
  type RecoveryState,
} from '../../src/index.js';

export interface When {
  when(...commands: RecoveryCommand[]): Then;
}

export interface Then {
  /** Each event must hold at least these fields, and there are no others. */
  then(...expected: Partial<RecoveryEvent>[]): void;
  thenNothing(): void;
  readonly events: readonly RecoveryEvent[];
  readonly state: RecoveryState;
}

/** Given what has happened, when commands come one after the other, then what happens is… */
export function given(events: readonly RecoveryEvent[]): When {
  return { when: (...commands) => outcomeOf(events, commands) };
}

function outcomeOf(events: readonly RecoveryEvent[], commands: readonly RecoveryCommand[]): Then {
  let state = events.reduce(evolve, unplanned);
  const happened: RecoveryEvent[] = [];
  for (const command of commands) {
    const next = decide(command, state);
    happened.push(...next);
    state = next.reduce(evolve, state);
  }
  return {
    events: happened,
    state,
    then: (...expected) => {
      expect(happened.map((event) => event.type)).toEqual(expected.map((event) => event.type));
      expect(happened).toMatchObject(expected);
    },
    thenNothing: () => expect(happened).toEqual([]),
  };
}
