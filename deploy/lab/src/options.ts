import { randomBytes } from 'node:crypto';
import { codedError } from '@reinvite/runtime';
import { z } from 'zod';
import { MAX_NODES } from './layout.js';

/** A lab's name becomes a directory, and a bare word on command lines. */
export const labName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'a lab name is lower-case letters, digits and "-"');

/** What a lab is to consist of. */
export const labSpec = z.strictObject({
  name: labName,
  /** Number of Asterisk nodes; 0 in a lab of `core` alone. */
  nodes: z.number().int().min(0).max(MAX_NODES),
  /** Whether Reinvite's services run in it. */
  reinvite: z.boolean(),
});
export type LabSpec = z.infer<typeof labSpec>;

/** What the caller of {@link startLab} may choose. */
export interface LabOptions {
  /** Default: a fresh one, so that labs never meet. */
  readonly name?: string;
  /** Asterisk nodes, 1 to {@link MAX_NODES}; default 3. */
  readonly nodes?: number;
  /** `core`: NATS and PostgreSQL, and nothing else. */
  readonly only?: 'core';
  /** Whether to migrate the database and run Reinvite's services; default true. */
  readonly reinvite?: boolean;
  /**
   * Whose end ends the lab: by default this process, `none` for a lab that stays until `down`, or the process with this
   * id.
   */
  readonly owner?: 'none' | number;
  /** One line for each step. */
  readonly onProgress?: (line: string) => void;
  /** Abandons the start; nothing of the lab stays. */
  readonly signal?: AbortSignal;
}

/** @throws CodedError `LAB_REQUEST_INVALID` naming each wrong option. */
export function specOf(options: LabOptions): LabSpec {
  const core = options.only === 'core';
  const result = labSpec.safeParse({
    name: options.name ?? `lab-${randomBytes(4).toString('hex')}`,
    nodes: core ? 0 : (options.nodes ?? 3),
    reinvite: !core && (options.reinvite ?? true),
  });
  if (!result.success) throw codedError('LAB_REQUEST_INVALID', z.prettifyError(result.error));
  if (!core && result.data.nodes === 0)
    throw codedError('LAB_REQUEST_INVALID', 'a lab has at least one node');
  return result.data;
}
