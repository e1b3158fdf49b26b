#!/bin/bash
# First start of the primary: roles, grants, slots and the database, as deploy/local/postgres_roles.py makes them.
set -euo pipefail

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    -v owner_password="$OWNER_PASSWORD" -v app_password="$APP_PASSWORD" -v replicator_password="$REPLICATOR_PASSWORD" <<'SQL'
-- The standby does not exist yet: nothing here may wait for it.
SET synchronous_commit = local;
CREATE ROLE countinghouse_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE countinghouse_app LOGIN PASSWORD :'app_password';
CREATE ROLE countinghouse_replicator LOGIN REPLICATION PASSWORD :'replicator_password';
GRANT pg_monitor TO countinghouse_app, countinghouse_owner;
GRANT ALTER SYSTEM ON PARAMETER synchronous_standby_names TO countinghouse_app;
SELECT pg_create_physical_replication_slot('node_a'), pg_create_physical_replication_slot('node_b');
\connect template1
SET synchronous_commit = local;
GRANT EXECUTE ON FUNCTION pg_reload_conf() TO countinghouse_app;
ALTER DEFAULT PRIVILEGES FOR ROLE countinghouse_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO countinghouse_app;
ALTER DEFAULT PRIVILEGES FOR ROLE countinghouse_owner GRANT USAGE, SELECT ON SEQUENCES TO countinghouse_app;
\connect postgres
SET synchronous_commit = local;
CREATE DATABASE countinghouse OWNER countinghouse_owner;
SQL

echo "host replication countinghouse_replicator all scram-sha-256" >> "$PGDATA/pg_hba.conf"
