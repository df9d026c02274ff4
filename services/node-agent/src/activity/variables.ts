import type { LegActivity } from '@reinvite/domain';

/** A longer value is no setting; it would only make facts large. */
const MAX_VALUE = 1_024;

/** What an application says of itself that Asterisk tells nobody: which way the leg is muted, and its role in a holding bridge. */
export const MUTED = 'REINVITE_MUTED';
export const ROLE = 'REINVITE_ROLE';

/** Values of variables as Asterisk has answered, by name without underscores; empty where a variable is not set. */
export type Answers = ReadonlyMap<string, string>;

/** Channel variables that the configuration names, by channel, under the names with which they were set. */
export class VariableBook {
  /** Without underscores. */
  readonly names: ReadonlySet<string>;
  private readonly values = new Map<string, Map<string, { readonly name: string; readonly value: string }>>();

  constructor(names: readonly string[]) {
    this.names = new Set(names.map(plain));
  }

  /** @returns whether it is one of those, and new. */
  set(channelId: string, name: string, value: string): boolean {
    const key = plain(name);
    if (!this.names.has(key)) return false;
    const known = this.values.get(channelId) ?? new Map<string, { name: string; value: string }>();
    this.values.set(channelId, known);
    const before = known.get(key);
    if (before?.name === name && before.value === value) return false;
    // An unset variable is told as an empty one.
    if (value === '' || value.length > MAX_VALUE) return known.delete(key);
    known.set(key, { name, value });
    return true;
  }

  /** Undefined where none is set. */
  of(channelId: string): Record<string, string> | undefined {
    const known = this.values.get(channelId);
    if (known === undefined || known.size === 0) return undefined;
    return Object.fromEntries([...known.values()].map(({ name, value }) => [name, value]));
  }

  forget(channelId: string): void {
    this.values.delete(channelId);
  }

  /**
   * Events may have been missed: what a channel has is what was answered, and one that is not there has nothing. An answer does not
   * tell the underscores of a name; those that are known are kept.
   */
  resync(there: ReadonlySet<string>, answers: ReadonlyMap<string, Answers>): void {
    for (const channelId of this.values.keys()) if (!there.has(channelId)) this.values.delete(channelId);
    for (const [channelId, values] of answers)
      for (const [key, value] of values)
        this.set(channelId, this.values.get(channelId)?.get(key)?.name ?? key, value);
  }
}

/** What {@link MUTED} (`in`, `out`, `both`) and {@link ROLE} (`announcer`, `participant`) say; other values say nothing. */
export function rolesOf(
  variables: Readonly<Record<string, string>>,
): Pick<LegActivity, 'muted' | 'holdingRole'> {
  const muted = variables[MUTED];
  const role = variables[ROLE];
  return {
    ...(muted === 'in' || muted === 'out' || muted === 'both'
      ? { muted: { in: muted !== 'out', out: muted !== 'in' } }
      : {}),
    ...(role === 'announcer' || role === 'participant' ? { holdingRole: role } : {}),
  };
}

/** A variable's name without the underscores that let channels inherit it. */
function plain(name: string): string {
  return name.replace(/^__?/, '');
}
