"""Sealed days, and a calendar that cannot be changed under a day that has begun.

Reversible. Safe while the previous release runs: it only adds a table and refusals of what that release never does. The
trigger on the history needs its lock for a moment only, and gives up after five seconds rather than hold up checkouts.
"""

from django.db import migrations, models

FORWARD = """
ALTER TABLE payments_sealedday
    ADD CONSTRAINT sealed_day_hash_of_body CHECK (seal_hash = sha256(body)),
    ADD CONSTRAINT sealed_day_prev_hash_whole CHECK (length(prev_hash) = 32),
    ADD CONSTRAINT sealed_day_before_sealing CHECK (booking_day < (sealed_at AT TIME ZONE 'UTC')::date);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'countinghouse_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON payments_sealedday FROM countinghouse_app;
    END IF;
END
$$;

-- The second line of defence. Shared with every other booking into the past, exclusive for the moment in which a day is
-- sealed: a booking that began before waits for the seal or the seal for it, and neither overlooks the other.
CREATE FUNCTION payments_refuse_sealed_day() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('payments.sealing', 0));
    IF EXISTS (SELECT FROM public.payments_sealedday WHERE booking_day = NEW.booking_day) THEN
        RAISE EXCEPTION '% is sealed: no event may be booked into it', NEW.booking_day
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_event_day_not_sealed';
    END IF;
    RETURN NEW;
END
$$;
SET LOCAL lock_timeout = '5s';
-- An ordinary booking is of today, or of the day that ended while it ran: for it this is one comparison.
CREATE TRIGGER payment_event_day_not_sealed BEFORE INSERT ON payments_paymentevent
    FOR EACH ROW WHEN (NEW.booking_day < (clock_timestamp() AT TIME ZONE 'UTC')::date)
    EXECUTE FUNCTION payments_refuse_sealed_day();

-- A whole day ahead: no transaction that adds a row is open for so long, and readers of the copy in Cassandra have it.
CREATE FUNCTION payments_guard_calendar() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'the calendar row of % stays as it is: plan another day', OLD.booking_day
            USING ERRCODE = 'check_violation', CONSTRAINT = 'calendar_rows_stay';
    END IF;
    IF NEW.booking_day < (clock_timestamp() AT TIME ZONE 'UTC' + interval '1 day')
       AND NEW.booking_day <> '1970-01-01' THEN
        RAISE EXCEPTION 'a bucket count for % comes too late: plan it at least a day ahead', NEW.booking_day
            USING ERRCODE = 'check_violation', CONSTRAINT = 'calendar_a_day_ahead';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER calendar_guard BEFORE INSERT OR UPDATE OR DELETE ON payments_ledgercalendar
    FOR EACH ROW EXECUTE FUNCTION payments_guard_calendar();
CREATE TRIGGER calendar_not_truncated BEFORE TRUNCATE ON payments_ledgercalendar
    FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_calendar();
"""

BACKWARD = """
DROP TRIGGER calendar_not_truncated ON payments_ledgercalendar;
DROP TRIGGER calendar_guard ON payments_ledgercalendar;
DROP FUNCTION payments_guard_calendar();
DROP TRIGGER payment_event_day_not_sealed ON payments_paymentevent;
DROP FUNCTION payments_refuse_sealed_day();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_validate_money_movements")]

    operations = [
        migrations.CreateModel(
            name="SealedDay",
            fields=[
                ("booking_day", models.DateField(primary_key=True, serialize=False)),
                ("seal_no", models.BigIntegerField(help_text="in the order of sealing, dense from 1", unique=True)),
                ("seal_hash", models.BinaryField()),
                ("prev_hash", models.BinaryField(help_text="32 zero bytes before the first", unique=True)),
                ("body", models.BinaryField()),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("seal_no__gte", 1)), name="sealed_day_from_one")
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
