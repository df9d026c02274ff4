/** What the lab needs of a machine: one line for each thing that is missing. Changes nothing. */
export function preflight(): Promise<{ ok: boolean; missing: string[] }>;
