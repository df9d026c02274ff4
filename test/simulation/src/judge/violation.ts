/** The names of what must hold in every run; docs/simulation.md says what each means. */
export type Invariant =
  | 'one-owner'
  | 'one-reinvite'
  | 'fenced-before-originate'
  | 'never-wrongly-down'
  | 'never-wrongly-fenced'
  | 'not-while-stopped'
  | 'not-in-a-mass-failure'
  | 'not-to-a-flapping-node'
  | 'stops-killing'
  | 'restrained-for-cause'
  | 'one-outcome'
  | 'no-call-forgotten'
  | 'comes-back'
  | 'replay'
  | 'audit-tells-the-truth';

export interface Violation {
  readonly invariant: Invariant;
  /** Virtual ms. */
  readonly at: number;
  readonly what: string;
}

/** What was found when the run was over. */
export type Found = Omit<Violation, 'at'>;
