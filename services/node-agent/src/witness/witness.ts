/**
 * One way to ask Asterisk for a sign of life. Its silence lasts from the oldest question that is still open: a question that was
 * answered, however late, is a sign.
 */
export class Witness {
  private openSince: number | null = null;
  private standing: 'unasked' | 'asked' | 'mute' = 'unasked';

  /** A question goes out. Of one that could not be asked before, only an answer shows that it now can. */
  ask(awakeMs: number): void {
    if (this.standing === 'mute') return;
    this.openSince ??= awakeMs;
    this.standing = 'asked';
  }

  /** A sign of life. */
  answer(): void {
    this.openSince = null;
    this.standing = 'asked';
  }

  /** It cannot be asked: it says nothing, neither way. */
  mute(): void {
    this.openSince = null;
    this.standing = 'mute';
  }

  /** It is asked no more: what it did not answer is forgotten. */
  dismiss(): void {
    this.openSince = null;
    this.standing = 'unasked';
  }

  /** For how long it has been silent; null where it says nothing. */
  silentMs(awakeMs: number): number | null {
    if (this.standing !== 'asked') return null;
    return this.openSince === null ? 0 : Math.max(0, Math.round(awakeMs - this.openSince));
  }
}
