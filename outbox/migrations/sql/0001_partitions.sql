-- Makes the partition of the newest id and `ahead` more (1 to 10), 50 million ids each; returns how many it made.
-- It runs as the tables' owner, because the application's role may not create tables. CREATE and then ATTACH, never
-- PARTITION OF: that would lock the whole table against writers.
CREATE FUNCTION outbox_ensure_partitions(ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '100ms' AS $body$
DECLARE
    ids_per_partition CONSTANT bigint := 50000000;
    newest bigint;
    partition_name text;
    made integer := 0;
BEGIN
    -- Two processes at once would both try to make the same table.
    PERFORM pg_advisory_xact_lock(hashtextextended('outbox_ensure_partitions', 0));
    newest := coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox_event', 'id')::regclass), 0)
              / ids_per_partition;
    FOR number IN newest .. newest + least(greatest(ahead, 1), 10) LOOP
        partition_name := 'outbox_event_p' || lpad(number::text, 6, '0');
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE outbox_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)',
                       partition_name);
        EXECUTE format('ALTER TABLE outbox_event ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                       partition_name, number * ids_per_partition, (number + 1) * ids_per_partition);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$body$;

-- A function that runs as its owner must not find its tables through the caller's search_path. pg_catalog is searched
-- first without being named; named, it would be where the tables are made.
DO $body$
BEGIN
    EXECUTE format('ALTER FUNCTION outbox_ensure_partitions(integer) SET search_path = %I, pg_temp',
                   current_schema());
END
$body$;

SELECT outbox_ensure_partitions(3);
