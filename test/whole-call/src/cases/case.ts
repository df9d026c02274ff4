import type { PhoneName, Sound } from '../sound/sounds.js';
import type { CasePlay } from '../play/case-play.js';

/** Exactly what each phone of a case hears. */
export type Hears = Readonly<Partial<Record<PhoneName, readonly Sound[]>>>;

/** One case: a call, and what the people of it hear before, after and in the end. */
export interface Case {
  /** Unique; part of user names, so lower-case letters, digits and `-` only. */
  readonly id: string;
  readonly title: string;
  /** Cases whose sound is over before a batch of many would be through it. */
  readonly alone?: boolean;
  /** Brings the call to where it is when its node dies. */
  readonly begin: (play: CasePlay) => Promise<void>;
  /** Who hears what from then on: before the first crash, and after each. */
  readonly hears: Hears;
  /** The phone that hears the prompt, which has to go on where it was. */
  readonly prompt?: PhoneName;
  /** What else has to be so after each crash. @returns what is not. */
  readonly look?: (play: CasePlay) => Promise<string[]>;
  /** What people, or the application, do after the last crash, and who hears what then. */
  readonly then?: {
    readonly what: string;
    readonly does: (play: CasePlay) => Promise<void>;
    readonly hears: Hears;
  };
  /** What has to be so when the call is over. @returns what is not. */
  readonly after?: (play: CasePlay) => Promise<string[]>;
}
