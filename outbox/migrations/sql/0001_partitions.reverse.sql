DROP FUNCTION outbox_ensure_partitions(integer);
