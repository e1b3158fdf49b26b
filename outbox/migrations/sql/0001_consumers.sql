CREATE TABLE outbox_consumer_guard (
    group_id text NOT NULL,
    agg_key text NOT NULL,
    last_seq integer NOT NULL,
    PRIMARY KEY (group_id, agg_key)
);

CREATE TABLE outbox_consumer_offset (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id text NOT NULL,
    cluster_id text NOT NULL,
    topic_id text NOT NULL,
    partition integer NOT NULL,
    topic text NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (group_id, cluster_id, topic_id, partition)
) WITH (fillfactor = 50);

CREATE TABLE outbox_consumer_parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id text NOT NULL,
    agg_key text NOT NULL,
    first_seq integer NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    unpark_requested_at timestamptz,
    UNIQUE (group_id, agg_key)
);

CREATE TABLE outbox_dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    agg_key text NOT NULL,
    agg_seq integer,
    type text NOT NULL,
    event_id uuid,
    traceparent text,
    payload bytea NOT NULL,
    reason text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    redriven_at timestamptz
);

-- The relay may send an event twice, under two offsets; it is still one dead letter.
CREATE UNIQUE INDEX outbox_dead_letter_event ON outbox_dead_letter (group_id, event_id) WHERE redriven_at IS NULL;
CREATE INDEX outbox_dead_letter_key ON outbox_dead_letter (group_id, agg_key, agg_seq);
