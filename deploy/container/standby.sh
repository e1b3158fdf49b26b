#!/bin/bash
# The standby: a base backup on its first start, an ordinary start after that.
set -euo pipefail

primary="host=postgres-primary port=5432 user=countinghouse_replicator password=$REPLICATOR_PASSWORD application_name=standby"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    chown postgres:postgres "$PGDATA"
    gosu postgres pg_basebackup -d "$primary" -D "$PGDATA" -X stream -c fast -S node_b
    gosu postgres touch "$PGDATA/standby.signal"
fi
exec docker-entrypoint.sh postgres -c wal_level=logical -c hot_standby=on -c wal_receiver_status_interval=1s \
    -c max_connections=120 -c primary_slot_name=node_b -c "primary_conninfo=$primary" \
    -c "synchronous_standby_names=FIRST 1 (standby)"
