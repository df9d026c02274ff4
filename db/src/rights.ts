/** What a role may do with a table. */
type Privilege = 'select' | 'insert' | 'update' | 'delete';
type Rights = Readonly<Record<string, readonly Privilege[]>>;

const READ = ['select'] as const;
const WRITE = ['insert'] as const;
const ADD = ['select', 'insert'] as const;
const KEEP = ['select', 'insert', 'update'] as const;
const ALL = ['select', 'insert', 'update', 'delete'] as const;

/**
 * The roles of Postgres and the tables that each may use; deploy/postgres/roles.sql makes the roles. What is not named
 * here nobody may but the owner, `reinvite_migrate`.
 *
 * 1. Nobody changes or removes an event.
 * 2. `reinvite_audit` reads the views, those of the audit and of billing, and no table.
 * 3. What the sentinel writes is about nodes: see {@link SENTINEL_ROWS}.
 * 4. `reinvite_billing`, which every Asterisk has, adds call and event records and reads nothing.
 */
export const RIGHTS: Readonly<Record<string, Rights>> = {
  reinvite_recovery: {
    bridges: ALL,
    call_flow_effects: ALL,
    call_flows: ALL,
    cdr: ADD,
    cel: READ,
    checkpoints: KEEP,
    conference_homes: ALL,
    deadlines: ALL,
    dialogs: READ,
    events: ADD,
    legs: ALL,
    node_incarnations: ALL,
    outbox: ALL,
    recordings: ALL,
    recoveries: KEEP,
    recovery_legs: KEEP,
    recovery_requests: ALL,
    streams: KEEP,
  },
  reinvite_sentinel: { events: ADD, outbox: ALL, streams: KEEP },
  reinvite_ledger: { dialogs: ALL },
  reinvite_billing: { cdr: WRITE, cel: WRITE },
  reinvite_audit: {},
};

/** What gives a new row its number. */
const SEQUENCES: Readonly<Record<string, string>> = { cdr: 'cdr_id_seq', cel: 'cel_id_seq' };

/** Rows that the sentinel's role sees and writes, by table; its streams are those of the nodes. */
const SENTINEL_ROWS: Readonly<Record<string, string>> = {
  events: "stream_id like 'node-%'",
  streams: "stream_id like 'node-%'",
  outbox: "subject like 'reinvite.node.%'",
};

/** Who appends events. */
const APPENDING = ['reinvite_recovery', 'reinvite_sentinel'];

/**
 * Statements that give the roles that are there their rights and take all others from them. Safe to run again; those that
 * would lock a table are left out where they have been run.
 * @param roles that exist, of those in {@link RIGHTS}
 * @param views that the audit reads: all there are
 * @param guarded tables that have row-level security already
 */
export function rightsStatements(
  roles: readonly string[],
  views: readonly string[],
  guarded: readonly string[],
): string[] {
  if (roles.length === 0) return [];
  const everyone = roles.join(', ');
  return [
    `revoke all on all tables in schema public from public, ${everyone}`,
    `revoke all on all sequences in schema public from public, ${everyone}`,
    'revoke all on function append_events(jsonb, jsonb, jsonb) from public',
    `grant usage on schema public to ${everyone}`,
    ...roles.flatMap((role) => grantsOf(role, views)),
    ...(roles.includes('reinvite_sentinel') ? guards(guarded) : []),
  ];
}

function grantsOf(role: string, views: readonly string[]): string[] {
  if (role === 'reinvite_audit') return views.map((view) => `grant select on ${view} to ${role}`);
  const tables = Object.entries(RIGHTS[role] ?? {});
  const numbered = tables.flatMap(([table, privileges]) =>
    privileges.includes('insert') ? (SEQUENCES[table] ?? []) : [],
  );
  const own = [
    ...tables.map(([table, privileges]) => `grant ${privileges.join(', ')} on ${table} to ${role}`),
    ...numbered.map((sequence) => `grant usage on sequence ${sequence} to ${role}`),
  ];
  if (role === 'reinvite_billing') return own;
  return [
    // A service sees which migrations have run.
    `grant usage on schema drizzle to ${role}`,
    `grant select on drizzle.__drizzle_migrations to ${role}`,
    ...own,
    ...(APPENDING.includes(role)
      ? [
          `grant execute on function append_events(jsonb, jsonb, jsonb) to ${role}`,
          `grant usage on sequence events_position_seq, outbox_id_seq to ${role}`,
        ]
      : []),
  ];
}

/** Row-level security binds the sentinel's role; to the others every row is as before. */
function guards(guarded: readonly string[]): string[] {
  return Object.entries(SENTINEL_ROWS)
    .filter(([table]) => !guarded.includes(table))
    .flatMap(([table, rows]) => [
      `create policy every_row on ${table} using (true) with check (true)`,
      `create policy about_nodes on ${table} as restrictive to reinvite_sentinel using (${rows}) with check (${rows})`,
      `alter table ${table} enable row level security`,
    ]);
}
