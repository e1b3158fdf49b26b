-- fillfactor: the cursor is updated many times a second; with room in the page each update stays in it (HOT).
CREATE TABLE outbox_lane (
    lane smallint PRIMARY KEY CHECK (lane BETWEEN 0 AND 63),
    snap text NOT NULL,
    after_id bigint,
    window_snap text,
    owner uuid,
    epoch bigint NOT NULL DEFAULT 0,
    sysid bigint,
    timeline integer,
    updated_at timestamptz,
    CHECK ((after_id IS NULL) = (window_snap IS NULL))
) WITH (fillfactor = 20);

-- Nothing is published before this moment, and everything after it.
INSERT INTO outbox_lane (lane, snap, updated_at)
SELECT lane, pg_current_snapshot()::text, clock_timestamp() FROM generate_series(0, 63) AS lane;

CREATE TABLE outbox_relay_instance (
    id uuid PRIMARY KEY,
    backend_pid integer NOT NULL,
    heartbeat_at timestamptz NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE outbox_parked (
    agg_key text PRIMARY KEY,
    first_id bigint NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    unpark_requested_at timestamptz
);
