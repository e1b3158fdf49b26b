-- xact comes first on purpose: columns are computed in this order, and the transaction must have its number before
-- the row has its id.
CREATE TABLE outbox_event (
    xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    lane smallint NOT NULL CHECK (lane BETWEEN 0 AND 63),
    event_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    topic text NOT NULL,
    agg_key text NOT NULL,
    agg_seq integer NOT NULL CHECK (agg_seq >= 1),
    type text NOT NULL,
    traceparent text,
    payload bytea NOT NULL CHECK (octet_length(payload) <= 900000),
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX outbox_event_xact ON outbox_event (xact);
CREATE INDEX outbox_event_key ON outbox_event (agg_key, id);

-- The net: a row lands here only when partitions were not made in time, and `manage.py outbox doctor` says so.
CREATE TABLE outbox_event_default PARTITION OF outbox_event DEFAULT;
