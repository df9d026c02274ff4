import { connectPool, withPostgresErrors } from '@reinvite/db';
import { createLogger, loadConfig, postgresUrl } from '@reinvite/runtime';
import { EXIT, type Output } from '../output.js';

export interface RecordingOptions {
  readonly config: string;
}

/** One file of a recording, as the manifest names it; times in ISO 8601. */
interface Part {
  readonly recording: string;
  readonly part: number;
  readonly name: string;
  readonly format: string;
  readonly kind: string;
  readonly node: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly cut: boolean;
  readonly gapMs: string | null;
  readonly callId: string | null;
}

/**
 * `reinvite recording`: the parts of a recording in their order, as one line of JSON: which node has which file, from when to when,
 * and how long nobody recorded before it.
 * @param name of the recording, or of any of its parts
 * @returns the exit code: 1 where there is no such recording.
 * @throws CodedError `CONFIG_*`, `POSTGRES_UNREACHABLE`, `POSTGRES_QUERY_FAILED`
 */
export async function recording(
  name: string,
  { config: file }: RecordingOptions,
  output: Output,
): Promise<number> {
  const config = await loadConfig(file);
  // Standard output is the manifest's.
  const log = createLogger('recording', 'silent');
  const pool = connectPool(await postgresUrl(config, 'audit'), { applicationName: 'reinvite-cli', log });
  try {
    const { rows } = await withPostgresErrors(() => pool.query<Part>(PARTS, [name]));
    if (rows.length === 0) {
      output.err(`reinvite: no recording is called ${name}`);
      return EXIT.failed;
    }
    output.out(JSON.stringify({ recording: rows[0]?.recording, parts: rows.map(partOf) }));
    return EXIT.ok;
  } finally {
    await pool.end();
  }
}

const PARTS = `
  select recording, part, name, format, kind, node_id as node, started_at as "startedAt", ended_at as "endedAt", cut,
    gap_ms as "gapMs", call_id as "callId"
  from recording_parts
  where recording in (select recording from recording_parts where name = $1 or recording = $1)
  order by call_id nulls last, part, started_at`;

function partOf({ part, name, format, kind, node, startedAt, endedAt, cut, gapMs, callId }: Part): object {
  const gap = gapMs === null ? null : Number(gapMs);
  return { part, name, format, kind, node, startedAt, endedAt, cut, gapMs: gap, callId };
}
