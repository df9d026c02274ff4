/** Which re-INVITEs `res_pjsip_recovery` has sent in one life of an Asterisk: none leaves it twice. */
export class UsedCseqs {
  private readonly highest = new Map<string, number>();

  /** @returns false where one with this CSeq, or a higher one, was sent in the dialog. */
  use(sipCallId: string, cseq: number): boolean {
    if (cseq <= (this.highest.get(sipCallId) ?? 0)) return false;
    this.highest.set(sipCallId, cseq);
    return true;
  }
}
