import type { RecordingResume } from '../resume.js';
import type { LegPlace } from './call.js';

/** As many recordings of one leg as the dialplan begins again. */
export const MAX_RECORDINGS = 3;

/** The recordings that go on there, as those of ARI are told. */
export function recordingsAt(place: LegPlace): RecordingResume[] {
  const parts = place.kind === 'dial-caller' || place.kind === 'dialplan' ? (place.mixMonitors ?? []) : [];
  return parts.map(({ file, recording, part, from }) => {
    const format = /\.([^./]+)$/.exec(file)?.[1] ?? 'raw';
    return {
      name: bare(file),
      format,
      recording: bare(recording),
      part,
      from: { ...from, name: bare(from.name) },
    };
  });
}

/** A file's name without its format, as ARI names recordings. */
function bare(file: string): string {
  return file.replace(/\.[^./]+$/, '');
}
