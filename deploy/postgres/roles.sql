-- The roles of Reinvite in its database, for a superuser to run once, and again whenever this file changes:
--
--   createdb reinvite; psql -v ON_ERROR_STOP=1 -d reinvite -f roles.sql
--
-- Then give each a password (\password reinvite_recovery, which sends a SCRAM verifier and keeps it out of the log) and run
-- `reinvite migrate`, which gives them their rights: db/src/rights.ts has the table, docs/security.md tells why.

do $$
declare
  name text;
begin
  foreach name in array array['reinvite_migrate', 'reinvite_recovery', 'reinvite_sentinel', 'reinvite_ledger', 'reinvite_billing', 'reinvite_audit'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I login', name);
    end if;
    execute format('alter role %I nosuperuser nocreatedb nocreaterole noreplication nobypassrls', name);
  end loop;
end
$$;

-- Pools of `postgres.poolSize` connections for each replica, and room for a rolling restart.
alter role reinvite_migrate connection limit 5;
alter role reinvite_recovery connection limit 60;
alter role reinvite_sentinel connection limit 60;
alter role reinvite_ledger connection limit 20;
alter role reinvite_audit connection limit 10;
-- Two for each Asterisk: one for call records, one for channel events.
alter role reinvite_billing connection limit 100;

-- Asterisk writes one record after the other, and what it waits for waits behind it.
alter role reinvite_billing set statement_timeout = '5s';

-- Reading the audit must not hold up a recovery.
alter role reinvite_audit set default_transaction_read_only = on;
alter role reinvite_audit set statement_timeout = '60s';

-- The owner of the schema alone creates and changes tables. A database that one role has been used for so far is handed over
-- with `reassign owned by OLD_ROLE to reinvite_migrate`.
do $$
declare
  services constant text := 'reinvite_recovery, reinvite_sentinel, reinvite_ledger, reinvite_billing, reinvite_audit';
begin
  execute format('alter database %I owner to reinvite_migrate', current_database());
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to %s', current_database(), services);
  execute 'revoke all on schema public from public';
  execute format('grant usage on schema public to %s', services);
end
$$;
