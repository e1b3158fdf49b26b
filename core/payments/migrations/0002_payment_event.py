"""The append-only history of payments, partitioned by month from the first day.

Reversible. Safe while the previous release runs: it only adds objects.
"""

from django.db import migrations

# Two years ahead, so that a month without housekeeping never stops a checkout.
MONTHS_AHEAD = 24

FORWARD = f"""
CREATE TABLE payments_paymentevent (
    payment_id   uuid        NOT NULL,
    seq          integer     NOT NULL CHECK (seq >= 1),
    booking_day  date        NOT NULL,
    event_id     uuid        NOT NULL,
    order_id     uuid        NOT NULL,
    inserted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    booked_at    timestamptz NOT NULL,
    payment_type text        NOT NULL,
    bucket       smallint    NOT NULL CHECK (bucket >= 0),
    event_type   text        NOT NULL,
    amount_minor bigint      NOT NULL,
    currency     char(3)     NOT NULL,
    postings     jsonb       NOT NULL,
    body         bytea       NOT NULL,
    body_sha256  bytea       NOT NULL CHECK (body_sha256 = sha256(body)),
    PRIMARY KEY (payment_id, seq, booking_day),
    CHECK (booking_day = (booked_at AT TIME ZONE 'UTC')::date)
) PARTITION BY RANGE (booking_day);
CREATE INDEX payments_paymentevent_block ON payments_paymentevent (booking_day, payment_type, bucket);
CREATE INDEX payments_paymentevent_inserted ON payments_paymentevent (inserted_at);
CREATE INDEX payments_paymentevent_order ON payments_paymentevent (order_id);

-- Makes the partition of a day's month. Runs as the owner, because the application role makes none of its own; builds
-- the table apart and attaches it, because PARTITION OF would make checkouts queue behind an open writer.
CREATE FUNCTION payments_ensure_event_partition(day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    first_day date := date_trunc('month', day)::date;
    next_first_day date := (date_trunc('month', day) + interval '1 month')::date;
    partition text := 'payments_paymentevent_' || to_char(first_day, 'YYYYMM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('payments_ensure_event_partition', 0));
    IF to_regclass('public.' || partition) IS NOT NULL THEN
        RETURN partition;
    END IF;
    SET LOCAL lock_timeout = '5s';
    EXECUTE format('CREATE TABLE public.%I (LIKE public.payments_paymentevent INCLUDING ALL)', partition);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'countinghouse_app') THEN
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON public.%I FROM countinghouse_app',
                       partition);
    END IF;
    EXECUTE format('ALTER TABLE public.payments_paymentevent ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   partition, first_day, next_first_day);
    RETURN partition;
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'countinghouse_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON payments_paymentevent FROM countinghouse_app;
        REVOKE ALL ON FUNCTION payments_ensure_event_partition(date) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION payments_ensure_event_partition(date) TO countinghouse_app;
    END IF;
    PERFORM payments_ensure_event_partition((current_date + make_interval(months => ahead))::date)
    FROM generate_series(-1, {MONTHS_AHEAD}) AS ahead;
END
$$;

-- Local and CI size; a production calendar adds a row at least a day ahead of the day it is for.
INSERT INTO payments_ledgercalendar (booking_day, bucket_count) VALUES ('1970-01-01', 4);
"""

BACKWARD = """
DELETE FROM payments_ledgercalendar WHERE booking_day = '1970-01-01';
DROP FUNCTION payments_ensure_event_partition(date);
DROP TABLE payments_paymentevent;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
