/**
 * Why a leg, and so a call, was skipped, failed or came back in part only. `docs/reasons.md` is checked against this
 * table. Reasons that an ari-worker gives are its own codes in lower case.
 */
export const REASONS = {
  'dialog-unknown': ['skipped', 'No source holds a SIP dialog of this leg.'],
  'homer-unanswered': [
    'skipped',
    'HOMER, asked because no other source was enough, could not tell by its deadline what the dialog is.',
  ],
  'dialog-early': ['skipped', 'The dialog was not confirmed: the phone was still ringing.'],
  'dialog-ended': ['skipped', 'The dialog had ended before the node died.'],
  'dialog-incomplete': ['skipped', 'A field is missing that the re-INVITE needs.'],
  'dialog-unsure': ['skipped', 'The dialog was seen in part only; a wrong re-INVITE could end the call.'],
  'dialog-ambiguous': [
    'skipped',
    'Several legs of the node share this Call-ID; which dialog is whose cannot be told.',
  ],
  'dialog-elsewhere': ['skipped', 'Another node has spoken for this dialog since.'],
  'ledger-unheard': [
    'skipped',
    'Not every ledger had said that its dialogs are up to date, and the policy does not go on without.',
  ],
  'policy-forbids': ['skipped', "The policy of the node's group does not recover confirmed dialogs."],
  'call-crashes-nodes': [
    'skipped',
    'Node after node died soon after it had taken the call: it is not given to another one.',
  ],
  'recovered-too-often': ['skipped', 'The call had been recovered too often of late.'],
  'mass-failure': [
    'skipped',
    'So many nodes were down at once that the operator was asked, who did not let the calls go in time.',
  ],
  'recovery-stopped': ['skipped', 'An operator had stopped recovery.'],
  'not-answered': ['skipped', 'The channel was not up.'],
  'no-continuation': [
    'skipped',
    'There is no application or dialplan location at which the leg could go on.',
  ],
  'bridge-unsupported': ['skipped', 'The dialplan had joined more than two channels in one bridge.'],
  'leg-not-pjsip': ['skipped', 'A channel in the bridge was no PJSIP channel; it has no dialog to recover.'],
  'conference-rejoined': [
    'skipped',
    'The leg led to the node where the conference that it was in is joined again: it would have been a loop.',
  ],
  'too-late': ['skipped', 'The death became known so late that nobody can still be waiting on the line.'],
  'no-target': ['skipped', 'No healthy node with the recovery module could take the call.'],
  'target-unreachable': [
    'failed',
    'The target could not be told to originate, and no other was left to try.',
  ],
  'deadline-passed': ['failed', 'The command reached the target too late; nothing was sent.'],
  'reinvite-rejected': ['failed', 'The phone refused the re-INVITE.'],
  'reinvite-redirected': [
    'failed',
    'The phone answered the re-INVITE with a redirection; nobody was called anew.',
  ],
  'reinvite-collided': [
    'failed',
    'The phone had a re-INVITE of its own under way (491) each time; it was tried again as RFC 3261 section 14.1 says.',
  ],
  'reinvite-out-of-order': [
    'failed',
    'The phone answered 500 (CSeq too low, another INVITE open; proxies make it of 503), also to a higher CSeq.',
  ],
  'offer-rejected': [
    'failed',
    'The phone took neither the offer of the session that it had nor a plain one (488, 606).',
  ],
  'server-unavailable': ['failed', 'The phone, or a proxy before it, answered 503, also to another node.'],
  'credentials-refused': [
    'failed',
    'The phone asked for credentials (401, 407) that the endpoint has not, or did not accept them.',
  ],
  'phone-unreachable': ['failed', 'The re-INVITE was answered 408: nothing reaches the phone any more.'],
  'reinvite-unanswered': [
    'failed',
    'The phone did not answer the re-INVITE in time, nor one from another node where there was one.',
  ],
  'dialog-gone': ['failed', 'The phone answered the re-INVITE with 481: it no longer has the dialog.'],
  'module-refused': [
    'failed',
    'The recovery module refused the dialog, and nothing was sent; the log of that Asterisk has its code.',
  ],
  'offer-unsupported': [
    'failed',
    'The endpoint of the target has not the codecs or the encryption that the leg had, and a plain offer did no better.',
  ],
  'originate-refused': ['failed', 'The target took no originate for the leg; its endpoint may be missing.'],
  'target-lost': ['failed', 'The target died, or its ARI went away, before the phone had answered.'],
  'outcome-unknown': [
    'failed',
    'Whether the re-INVITE was sent cannot be told: a worker died or a request was cut off.',
  ],
  'attempt-timed-out': [
    'failed',
    'No word came from the target in time; the re-INVITE may have been sent, so it is not repeated.',
  ],
  'join-failed': ['partly-recovered', 'The legs came back and could not be joined.'],
  'join-unconfirmed': [
    'partly-recovered',
    'The legs came back, and that they were joined was not confirmed in time.',
  ],
} as const satisfies Record<
  string,
  readonly [kind: 'skipped' | 'failed' | 'partly-recovered', meaning: string]
>;

export type Reason = keyof typeof REASONS;

/** Reasons for which a leg is not tried at all. */
export type SkipReason = { [R in Reason]: (typeof REASONS)[R][0] extends 'skipped' ? R : never }[Reason];

/** The reason that an ari-worker gave, as it is shown everywhere: `REINVITE_REJECTED` → `reinvite-rejected`. */
export function workerReason(code: string): string {
  return code.toLowerCase().replaceAll('_', '-');
}
