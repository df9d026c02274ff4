import { caseOptions } from '@reinvite/test-command-line';

export const readOptions = caseOptions(
  'whole-call',
  'Whole calls of every kind, two crashes, and who heard whom: told by a tone for each phone.',
);
