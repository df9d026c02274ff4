import { viewOf, type Dialog, type Evidence, type UnsureReason } from '@reinvite/sip';
import type { dialogs } from './schema/dialogs.js';

export type DialogRow = typeof dialogs.$inferInsert;

/** The row of a dialog; null for evidence that says nothing yet. */
export function rowOf(evidence: Evidence): DialogRow | null {
  const dialog = viewOf(evidence);
  if (dialog === null) return null;
  const { local, remote, inviteCSeq, localCSeq, remoteCSeq, routeSet, unsure, ...rest } = dialog;
  return {
    ...rest,
    localDisplayName: local.displayName,
    localUri: local.uri,
    remoteDisplayName: remote.displayName,
    remoteUri: remote.uri,
    inviteCseq: inviteCSeq,
    localCseq: localCSeq,
    remoteCseq: remoteCSeq,
    routeSet: [...routeSet],
    unsure: [...unsure],
    createdAt: new Date(dialog.createdAt),
    updatedAt: new Date(dialog.updatedAt),
    confirmedAt: dialog.confirmedAt === null ? null : new Date(dialog.confirmedAt),
    endedAt: dialog.endedAt === null ? null : new Date(dialog.endedAt),
    evidence,
  };
}

export function dialogOf(row: Omit<typeof dialogs.$inferSelect, 'evidence' | 'ledgerId'>): Dialog {
  const { localDisplayName, localUri, remoteDisplayName, remoteUri, ...others } = row;
  const { inviteCseq, localCseq, remoteCseq, ...rest } = others;
  return {
    ...rest,
    local: { displayName: localDisplayName, uri: localUri },
    remote: { displayName: remoteDisplayName, uri: remoteUri },
    inviteCSeq: inviteCseq,
    localCSeq: localCseq,
    remoteCSeq: remoteCseq,
    unsure: row.unsure.filter((reason): reason is UnsureReason => reason !== ''),
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
    confirmedAt: row.confirmedAt?.getTime() ?? null,
    endedAt: row.endedAt?.getTime() ?? null,
  };
}
