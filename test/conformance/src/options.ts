import { caseOptions } from '@reinvite/test-command-line';

export const readOptions = caseOptions(
  'conformance',
  'Calls in every state that a dialog can be in, their node dead, and what each phone saw of it.',
);
