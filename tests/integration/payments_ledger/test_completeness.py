"""What share of the money is sealed and still agrees, or recorded in time; the schedule's runs; the calendar."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError
from django.db import connection, transaction

from core.payments.models import LedgerCalendar, SealedDay
from core.payments.services.calendar import plan_buckets
from payments_ledger import calendar
from payments_ledger.models import SealingRun
from payments_ledger.rows import rows_of
from payments_ledger.seals import completeness, runs, sealing, totals
from payments_ledger.seals.completeness import WHOLE_PPM, Share
from payments_ledger.seals.errors import ChainBroken
from payments_ledger.seals.sealing import Outcome, seal_day
from tests.factories.ledger_damage import by_hand
from tests.factories.ledger_events import canonical, fields, insert_history, own_noon, record
from tests.integration.payments_ledger.sealable import SealableDay, as_owner
from tests.ledger_command import ledger
from workers import schedule
from workers.tasks import seals as tasks


def volume(day):
    return sum(body["amount_minor"] for body in day.bodies)


def test_all_of_a_sealed_day_is_complete_and_nothing_of_one_that_is_not():
    sealed, following = SealableDay(), SealableDay()
    seal_day(sealed.date)

    whole = completeness.sealed(sealed.date, sealed.date)
    half = completeness.sealed(sealed.date, following.date)

    assert whole.shares == (Share("GBP", volume(sealed), volume(sealed)),)
    assert whole.shares[0].share_ppm == WHOLE_PPM
    assert half.shares == (Share("GBP", volume(sealed) + volume(following), volume(sealed)),)
    assert half.disagreeing == whole.disagreeing == ()


def test_a_share_is_never_rounded_up():
    assert Share("GBP", 10_000_000, 9_999_999).share_ppm == 999_999
    assert Share("GBP", 0, 0).share_ppm == WHOLE_PPM


def test_a_sealed_block_that_was_changed_in_postgresql_is_no_longer_complete():
    day = SealableDay()
    seal_day(day.date)
    changed = day.bodies[0]
    block = changed["payment_type"], changed["bucket"]
    lost = [body for body in day.bodies if (body["payment_type"], body["bucket"]) == block]
    statement = "UPDATE payments_paymentevent SET amount_minor = amount_minor + %s WHERE payment_id = %s AND seq = 1"
    as_owner(statement, [1, changed["payment_id"]])
    try:
        found = completeness.sealed(day.date, day.date)
        code, output = ledger("completeness", "--day", str(day.date))
    finally:
        as_owner(statement, [-1, changed["payment_id"]])

    expected = volume(day) - sum(body["amount_minor"] for body in lost)
    assert found.shares == (Share("GBP", volume(day) + 1, expected),)
    assert [block.bucket for block in found.disagreeing] == [changed["bucket"]]
    assert code == 1
    assert f"SEALED, AND CHANGED SINCE: {day.date}/{changed['payment_type']}/{changed['bucket']}" in output


def test_a_sealed_block_that_was_changed_in_cassandra_is_seen_when_it_is_read_again():
    day = SealableDay()
    seal_day(day.date)
    rows = rows_of(canonical(day.bodies[0]))
    key = [rows.booking_day, rows.payment_type, rows.bucket, rows.write_timestamp_us // 1000, rows.payment_id, rows.seq]
    statement = (
        "UPDATE events_by_day SET amount_minor = ? WHERE booking_day = ? AND payment_type = ? AND bucket = ? "
        "AND booked_at = ? AND payment_id = ? AND seq = ?"
    )
    by_hand(statement, [1, *key])
    try:
        without, _ = ledger("completeness", "--day", str(day.date), "--json")
        code, output = ledger("completeness", "--day", str(day.date), "--json", "--check")
    finally:
        by_hand(statement, [rows.amount_minor, *key])

    assert (without, code) == (0, 1)
    report = json.loads(output)
    assert report["disagreeing"] == [f"{day.date}/{rows.payment_type}/{rows.bucket}"]
    assert report["sealed"][0]["share_ppm"] < WHOLE_PPM


@pytest.fixture
def rolled_back():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.usefixtures("rolled_back")
def test_the_live_share_counts_what_was_recorded_within_a_minute():
    noon = own_noon()
    in_time, late, never = (fields(booked_at=noon, currency="JPY", amount_minor=minor) for minor in (700, 200, 100))
    insert_history([in_time, late, never], inserted_seconds_ago=600)
    with connection.cursor() as cursor:
        for body, seconds_ago in ((in_time, 541), (late, 539)):
            cursor.execute(
                "INSERT INTO payments_paymentrecording (payment_id, recorded_seq, updated_at) "
                "VALUES (%s, 1, now() - make_interval(secs => %s))",
                [body["payment_id"], seconds_ago],
            )
    too_young = fields(booked_at=noon, currency="JPY", amount_minor=5_000)
    insert_history([too_young], inserted_seconds_ago=30)

    shares = {share.currency: share for share in completeness.live_shares()}

    assert shares["JPY"] == Share("JPY", 1000, 700)


def test_bad_days_exit_2():
    with pytest.raises(CommandError) as refusal:
        ledger("completeness", "--from", "2010-01-01")
    assert refusal.value.returncode == 2
    with pytest.raises(CommandError):
        ledger("totals")


@contextmanager
def only_these(monkeypatch, days):
    monkeypatch.setattr(sealing, "unsealed_days", lambda last_day, **_: [day.date for day in days])
    before = set(SealingRun.objects.values_list("id", flat=True))
    found: list[SealingRun] = []
    yield found
    found += SealingRun.objects.exclude(id__in=before)


def test_the_scheduled_task_seals_what_is_closed_and_keeps_what_came_of_it(monkeypatch):
    days = [SealableDay(payments=1), SealableDay(payments=1)]
    missing = fields(booked_at=datetime.fromisoformat(days[1].bodies[0]["booked_at"]))
    insert_history([missing], inserted_seconds_ago=3600)

    try:
        with only_these(monkeypatch, days) as kept:
            tasks.seal_closed_days()
    finally:
        record([missing])

    (run,) = kept
    assert (run.sealed, run.not_yet, run.differs, run.reason) == (1, 0, 1, "")
    assert run.refused[0]["day"] == str(days[1].date)
    assert missing["payment_id"] in run.refused[0]["reasons"][0]
    assert run.through_day == runs.last_closed_day()
    assert SealedDay.objects.filter(booking_day=days[0].date).exists()
    assert {"ledger.seal_closed_days", "ledger.sum_up_open_days", "ledger.copy_calendar"} <= {
        entry["task"] for entry in schedule.BEAT_SCHEDULE.values()
    }


def test_a_run_that_is_broken_off_is_kept_with_the_reason_and_gone_on_from(monkeypatch):
    days = [SealableDay(payments=1), SealableDay(payments=1)]

    with only_these(monkeypatch, days) as kept:
        runs.seal_and_keep(days[1].date, seconds_max=0.001)
        monkeypatch.setattr(sealing.publishing, "finish_interrupted", broken)
        with pytest.raises(ChainBroken):
            runs.seal_and_keep(days[1].date)
        monkeypatch.undo()
    results = [seal_day(day.date).outcome for day in days]

    by_reason = sorted((run.reason, run.sealed) for run in kept)
    assert by_reason == [("by a test", 0), ("stopped after 0.001 s: the next run goes on", 1)]
    assert results == [Outcome.ALREADY_SEALED, Outcome.SEALED]


def broken():
    raise ChainBroken("by a test")


def test_totals_of_open_days_are_computed_while_they_grow():
    today = datetime.now(UTC).date()
    body = fields(booked_at=datetime.now(UTC), payment_type="wallet")
    insert_history([body])
    record([body])

    tasks.sum_up_open_days()

    found = [total for total in totals.between(today, today) if total.payment_type == "wallet"]
    assert sum(total.event_count for total in found) >= 1
    assert {total.sealed for total in found} == {False}


def test_the_calendar_is_copied_with_every_planned_count():
    day = own_noon().date() + timedelta(days=100_000)
    plan_buckets(first_day=day, bucket_count=32)

    tasks.copy_calendar()

    copied = calendar.copied()
    assert copied == dict(LedgerCalendar.objects.values_list("booking_day", "bucket_count"))
    assert copied[day] == 32
    assert copied[datetime(1970, 1, 1).date()] == 4


def test_a_count_is_planned_by_command_and_a_late_one_refused():
    day = own_noon().date() + timedelta(days=150_000)

    assert ledger("calendar", "--day", str(day), "--buckets", "16", "--dry-run")[0] == 0
    assert not LedgerCalendar.objects.filter(booking_day=day).exists()
    code, output = ledger("calendar", "--day", str(day), "--buckets", "16", "--json")

    assert code == 0
    assert json.loads(output)["calendar"][str(day)] == 16
    assert calendar.copied()[day] == 16
    today = datetime.now(UTC).date()
    for arguments in (
        ["--day", str(day), "--buckets", "32"],
        ["--day", str(today + timedelta(days=1)), "--buckets", "32"],
        ["--day", str(day + timedelta(days=1)), "--buckets", "33"],
        ["--day", str(day + timedelta(days=1))],
    ):
        with pytest.raises(CommandError) as refusal:
            ledger("calendar", *arguments)
        assert refusal.value.returncode == 2


def test_a_day_with_another_bucket_count_is_verified_and_sealed_like_any_other():
    noon = own_noon()
    # The count is frozen into each event: what a later calendar says of the day does not matter.
    bodies = [fields(booked_at=noon, bucket=bucket) for bucket in (0, 17, 63)]
    insert_history(bodies)
    record(bodies)

    result = seal_day(noon.date())

    assert (result.outcome, result.blocks, result.events) == (Outcome.SEALED, 3, 3)
