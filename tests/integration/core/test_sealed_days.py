"""What the database itself refuses: events of sealed days, changed seals, a calendar changed too late."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import psycopg2
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from core.days import spans_of
from core.payments.errors import CalendarTooLate, DaySealed
from core.payments.models import ImportBatch, LedgerCalendar, PaymentEvent
from core.payments.selectors import sealed_days
from core.payments.selectors.calendar import bucket_count
from core.payments.services import import_batches
from core.payments.services.booking import next_booking_time
from core.payments.services.calendar import plan_buckets
from core.payments.services.sealed_days import seal_day
from tests.factories.ledger_events import day_of, fields, insert_history, own_noon
from tests.integration.payments_ledger.sealable import as_owner


@pytest.fixture
def rolled_back():
    """The test is one transaction that leaves nothing behind: the seals in it are made up."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def other_session():
    other = psycopg2.connect(**connection.get_connection_params())
    yield other
    other.close()


TRY_TO_SEAL = "SELECT pg_try_advisory_xact_lock(hashtextextended('payments.sealing', 0))"


def seal_of_nothing(day):
    head = sealed_days.head()
    body = f"made up for {day}".encode()
    seal_day(
        day=day,
        seal_no=head.seal_no + 1 if head else 1,
        seal_hash=hashlib.sha256(body).digest(),
        prev_hash=bytes(head.seal_hash) if head else bytes(32),
        body=body,
        sealed_at=datetime.now(UTC),
    )


@pytest.mark.usefixtures("rolled_back")
def test_no_event_enters_a_sealed_day_whoever_writes_it():
    noon = own_noon()
    open_day, sealed_day = fields(booked_at=noon), fields(booked_at=noon + timedelta(days=1))
    seal_of_nothing(day_of(sealed_day))

    with pytest.raises(IntegrityError, match=f"{day_of(sealed_day)} is sealed"), transaction.atomic():
        insert_history([sealed_day])
    insert_history([open_day])

    assert PaymentEvent.objects.filter(booking_day__range=(day_of(open_day), day_of(sealed_day))).count() == 1


def test_a_booking_into_the_past_is_waited_for_by_the_seal(other_session):
    with transaction.atomic(), other_session.cursor() as cursor:
        insert_history([fields(booked_at=own_noon())])
        cursor.execute(TRY_TO_SEAL)
        while_it_runs = cursor.fetchone()
        transaction.set_rollback(True)
    with other_session.cursor() as cursor:
        cursor.execute(TRY_TO_SEAL)
        afterwards = cursor.fetchone()

    assert (while_it_runs, afterwards) == ((False,), (True,))


def test_a_batch_that_is_being_opened_is_waited_for_by_the_seal(other_session):
    day = own_noon().date()
    with transaction.atomic(), other_session.cursor() as cursor:
        import_batches.open_batch(batch_id=uuid4(), source="x.csv", first_day=day, last_day=day)
        cursor.execute(TRY_TO_SEAL)
        while_it_opens = cursor.fetchone()
        transaction.set_rollback(True)

    assert while_it_opens == (False,)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE payments_sealedday SET seal_no = 0", "DELETE FROM payments_sealedday", "TRUNCATE payments_sealedday"],
)
def test_the_application_cannot_change_a_seal(statement):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize("change", ["hash", "number", "fork", "short", "early"])
@pytest.mark.usefixtures("rolled_back")
def test_a_seal_must_have_the_hash_of_its_body_and_its_own_place_in_the_chain(change):
    day = own_noon().date()
    seal_of_nothing(day)
    head = sealed_days.head()
    changes = {
        "hash": {"seal_hash": bytes(32)},
        "number": {"seal_no": head.seal_no},
        "fork": {"prev_hash": bytes(head.prev_hash)},
        "short": {"prev_hash": b"short"},
        "early": {"sealed_at": datetime(day.year, day.month, day.day, 23, tzinfo=UTC)},
    }
    body = b"another"
    values = {
        "day": day + timedelta(days=1),
        "seal_no": head.seal_no + 1,
        "seal_hash": hashlib.sha256(body).digest(),
        "prev_hash": bytes(head.seal_hash),
        "body": body,
        "sealed_at": datetime.now(UTC),
    }

    with pytest.raises(IntegrityError), transaction.atomic():
        seal_day(**{**values, **changes[change]})

    seal_day(**values)


@pytest.mark.usefixtures("rolled_back")
def test_an_import_batch_does_not_open_over_sealed_days_that_it_is_to_book_into():
    first = own_noon().date()
    middle, last = first + timedelta(days=1), first + timedelta(days=2)
    seal_of_nothing(middle)

    with pytest.raises(DaySealed, match=str(middle)) as refusal:
        import_batches.open_batch(batch_id=uuid4(), source="late.csv", first_day=first, last_day=last)

    assert refusal.value.days == [middle]
    assert not ImportBatch.objects.filter(source="late.csv").exists()


@pytest.mark.usefixtures("rolled_back")
def test_a_batch_around_a_sealed_day_books_into_the_others_only():
    noon = own_noon()
    first, middle, last = (noon.date() + timedelta(days=number) for number in range(3))
    seal_of_nothing(middle)

    batch = import_batches.open_batch(
        batch_id=uuid4(), source="gap.csv", first_day=first, last_day=last, days=[first, last]
    )

    assert import_batches.imported_booking_time(batch, noon).booked_at == noon
    with pytest.raises(DaySealed, match=str(middle)):
        import_batches.imported_booking_time(batch, noon + timedelta(days=1))


def test_days_are_named_in_spans():
    days = [date(2010, 1, 9), date(2010, 1, 4), date(2010, 1, 5), date(2010, 1, 6)]

    assert spans_of(days) == "2010-01-04 to 2010-01-06, 2010-01-09"
    assert spans_of([]) == ""


def far_day():
    """A day in the far future, another in each run and test."""
    return own_noon().date() + timedelta(days=70_000)


def test_a_planned_count_holds_from_its_day_on_and_not_before():
    day = far_day()
    before = bucket_count(day)

    plan_buckets(first_day=day, bucket_count=before * 2)

    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    # What was booked last says when the clock of the next booking stands: a microsecond later, on the other day.
    last_old = next_booking_time(midnight - timedelta(microseconds=2))
    first_new = next_booking_time(midnight - timedelta(microseconds=1))
    assert (last_old.booked_at.date(), last_old.bucket_count) == (day - timedelta(days=1), before)
    assert (first_new.booked_at, first_new.bucket_count) == (midnight, before * 2)


@pytest.mark.parametrize("days_ahead", [-400, -1, 0, 1])
def test_a_count_for_a_day_less_than_a_day_ahead_is_refused(days_ahead):
    day = datetime.now(UTC).date() + timedelta(days=days_ahead)

    with pytest.raises(CalendarTooLate, match="a day ahead"):
        plan_buckets(first_day=day, bucket_count=8)

    assert not LedgerCalendar.objects.filter(booking_day=day).exists()


def test_a_planned_day_stays_as_it_is():
    day = far_day()
    plan_buckets(first_day=day, bucket_count=64)

    with pytest.raises(CalendarTooLate, match="stays"):
        plan_buckets(first_day=day, bucket_count=128)
    for statement in (
        "UPDATE payments_ledgercalendar SET bucket_count = 8 WHERE booking_day = %s",
        "DELETE FROM payments_ledgercalendar WHERE booking_day = %s",
        "UPDATE payments_ledgercalendar SET booking_day = booking_day + 1 WHERE booking_day = %s",
    ):
        with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
            connection.cursor().execute(statement, [day])
        with pytest.raises(psycopg2.errors.CheckViolation, match="stays as it is"):
            as_owner(statement, [day])
    assert bucket_count(day) == 64
    with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
        connection.cursor().execute("UPDATE payments_ledgercalendar SET bucket_count = 5")


@pytest.mark.parametrize("count", [0, -4, 3, 8192])
def test_a_count_that_is_no_power_of_two_is_refused(count):
    with pytest.raises(ValueError, match="power of two"):
        plan_buckets(first_day=far_day(), bucket_count=count)
