import type { Case } from './case.js';

/** What is to become of a case. */
export type Expectation =
  | {
      readonly outcome: 'recovered';
      /** Re-INVITEs that the phone gets: those that it refuses at first are sent again. */
      readonly reinvites: number;
      readonly why: string;
    }
  | {
      /** Reported, not recovered. */
      readonly outcome: 'failed' | 'skipped';
      /** Reasons that the audit may give, see docs/reasons.md; undefined where the call is not in the audit at all. */
      readonly reasons: readonly (string | undefined)[];
      /** The phone gets a re-INVITE; otherwise nothing may reach it. */
      readonly reinvites: number;
      readonly why: string;
    }
  | {
      /** The crash does not concern the call. */
      readonly outcome: 'untouched';
      readonly reinvites: 0;
      readonly why: string;
    };

interface Rule {
  readonly holds: (test: Case) => boolean;
  readonly expects: (test: Case) => Expectation;
}

/** Nodes that may die under a call before it is given to no other: `crashLimit.nodes`, and the one where it was set up. */
const CRASHES_SURVIVED = 3;

/** The first rule that holds says what is expected. */
const RULES: readonly Rule[] = [
  {
    holds: ({ extras }) => extras.elsewhere === true,
    expects: () => ({
      outcome: 'untouched',
      reinvites: 0,
      why: 'Its node lives.',
    }),
  },
  {
    holds: ({ extras }) => (extras.crashes ?? 1) > CRASHES_SURVIVED,
    expects: () => ({
      outcome: 'skipped',
      reasons: ['call-crashes-nodes'],
      reinvites: 0,
      why: 'Node after node has died soon after it had taken the call: it is given to no further one.',
    }),
  },
  {
    holds: ({ extras }) => extras.stage === 'early',
    expects: () => ({
      outcome: 'skipped',
      reasons: ['dialog-early', 'not-answered'],
      reinvites: 0,
      why: 'An early dialog has no session to go on with, and a re-INVITE in it is an error (RFC 3261 section 14.1).',
    }),
  },
  {
    holds: ({ extras }) => extras.stage === 'ended',
    expects: () => ({
      outcome: 'skipped',
      reasons: ['dialog-ended', undefined],
      reinvites: 0,
      why: 'The call had ended before its node died.',
    }),
  },
  {
    holds: ({ factors }) => factors.answer === '481',
    expects: (test) => ({
      outcome: 'failed',
      reasons: ['dialog-gone'],
      reinvites: 1 + challenges(test),
      why: 'A phone that answers 481 no longer has the dialog (RFC 3261 section 12.2.1.2); there is nothing to recover.',
    }),
  },
  {
    holds: ({ factors }) => factors.answer === 'silence',
    expects: ({ factors: { proxies } }) =>
      proxies === 'none'
        ? {
            outcome: 'failed',
            reasons: ['reinvite-unanswered'],
            reinvites: 2,
            why: 'A phone that says nothing may be cut off from one node and not from another, so a second one tries; then the call is left as it is, and no BYE ends it.',
          }
        : {
            outcome: 'failed',
            reasons: ['phone-unreachable'],
            reinvites: 1,
            why: 'The edge answers 408 for a phone that says nothing to it; the call is left as it is, and no BYE ends it.',
          },
  },
  {
    holds: ({ factors }) => factors.answer !== '200',
    expects: (test) => ({
      outcome: 'recovered',
      reinvites: 2 + challenges(test),
      why: REFUSED[test.factors.answer] ?? '',
    }),
  },
  {
    holds: () => true,
    expects: (test) => ({
      outcome: 'recovered',
      reinvites: 1 + challenges(test),
      why: 'The phone answers 200.',
    }),
  },
];

const REFUSED: Readonly<Record<string, string>> = {
  '491': 'Another re-INVITE was under way; ours is sent again after the time of RFC 3261 section 14.1.',
  '500':
    'The phone found the CSeq too low, or could not just now (RFC 3261 section 12.2.2): once more, with a higher one.',
  '503': 'The phone, or what is before it, could not just now: once more, with a higher CSeq.',
};

/** A challenged re-INVITE comes again with credentials; once, for Asterisk keeps them for the dialog. */
function challenges({ factors }: Case): number {
  return factors.digest === 're-invite' ? 1 : 0;
}

/** What is to become of the call at each death of its node: it survives all but the last, of which {@link expectationOf} tells. */
export function expectationsOf(test: Case): Expectation[] {
  const before = Array.from({ length: (test.extras.crashes ?? 1) - 1 }, (): Expectation => ({
    outcome: 'recovered',
    reinvites: 1,
    why: 'The phone answers 200.',
  }));
  return [...before, expectationOf(test)];
}

export function expectationOf(test: Case): Expectation {
  const rule = RULES.find(({ holds }) => holds(test));
  if (rule === undefined) throw new Error('the last rule holds always');
  return rule.expects(test);
}
