/** What must not be; a run is good when there is none. */
export type DifferenceKind =
  /** The phones did not get their call back, or it did not go on. */
  | 'lost'
  /** They got it back, and later than they had to wait. */
  | 'late'
  /** A phone called and was not answered, or nobody called the other one, and no node died meanwhile. */
  | 'not-set-up'
  /** A second re-INVITE for one death, while the first one's sender lived. */
  | 'doubled'
  /** A call was touched whose Asterisk was not gone. */
  | 'wrong-takeover'
  /** An Asterisk ended that no fault was to end. */
  | 'wrong-fence'
  /** An Asterisk was declared dead that no fault had ended, or too early. */
  | 'wrong-death'
  /** A re-INVITE with other tags, too low a CSeq or from a dead node. */
  | 'malformed'
  /** An Asterisk holds on to a call that is over for its phones. */
  | 'ghost'
  /** The audit says recovered, the phones do not. */
  | 'audit-recovered'
  /** The phones say recovered, the audit does not. */
  | 'audit-not-recovered'
  | 'audit-missing'
  | 'audit-twice'
  | 'audit-open'
  | 'audit-stranger'
  | 'audit-death'
  /** The captures cannot be trusted. */
  | 'doubt';

export interface Difference {
  readonly kind: DifferenceKind;
  /** Epoch ms. */
  readonly at: number;
  /** Number of the caller, or the Call-ID that the audit names; empty where it is about none. */
  readonly call: string;
  readonly text: string;
}
