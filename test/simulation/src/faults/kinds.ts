/** What can go wrong in a run. */
export type Kind =
  | 'asterisk-crash'
  | 'asterisk-hang'
  | 'asterisk-flaps'
  | 'mass-crash'
  | 'poison'
  | 'host-crash'
  | 'host-cut'
  | 'split'
  | 'process-kill'
  | 'process-pause'
  | 'guard-kill'
  | 'cut-nats'
  | 'cut-postgres'
  | 'cut-ari'
  | 'nats-stop'
  | 'postgres-stop'
  | 'postgres-breaks'
  | 'slow'
  | 'loss'
  | 'hang-up'
  | 'recovery-stopped'
  | 'recovery-asked'
  | 'declared-down';

export const WEIGHTS: Readonly<Record<Kind, number>> = {
  'asterisk-crash': 8,
  'asterisk-hang': 2,
  'asterisk-flaps': 2,
  'mass-crash': 2,
  poison: 3,
  'host-crash': 2,
  'host-cut': 3,
  split: 3,
  'process-kill': 8,
  'process-pause': 4,
  'guard-kill': 1,
  'cut-nats': 4,
  'cut-postgres': 3,
  'cut-ari': 4,
  'nats-stop': 2,
  'postgres-stop': 2,
  'postgres-breaks': 3,
  slow: 3,
  loss: 2,
  'hang-up': 2,
  'recovery-stopped': 5,
  'recovery-asked': 3,
  'declared-down': 1,
};
