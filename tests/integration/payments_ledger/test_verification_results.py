"""Results of verifications: what the schedule leaves behind, and what staff is shown of it."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from core import clock
from payments_ledger.errors import VerificationUnfinished
from payments_ledger.models import Verdict, Verification
from payments_ledger.reconciliation import results, scheduled
from payments_ledger.reconciliation.results import verify_and_keep
from tests.e2e.test_authority import staff
from tests.factories.ledger_events import day_of, history_of_payment, insert_history, own_noon, record
from tests.waiting import eventually
from workers.schedule import BEAT_SCHEDULE
from workers.tasks import ledger


@pytest.fixture
def day():
    bodies = history_of_payment(events=2, booked_at=own_noon())
    insert_history(bodies)
    record(bodies)
    return day_of(bodies[0])


def kept_of(day):
    return Verification.objects.filter(first_day=day)


def test_the_schedule_verifies_recent_days_and_keeps_the_result():
    began = clock.now()

    def kept_by_the_task():
        # Does nothing while the running schedule's own verification is under way.
        ledger.verify_recent()
        return Verification.objects.filter(started_at__gte=began, mode="quick").order_by("finished_at").last()

    kept = eventually(kept_by_the_task, what="the result")
    assert (kept.last_day - kept.first_day).days == scheduled.RECENT_DAYS - 1
    assert kept.tables == ["events_by_day"]
    assert (kept.verdict, kept.differences) == ("agree", [])
    assert BEAT_SCHEDULE["verify-recent-days"]["task"] == ledger.verify_recent.name
    assert BEAT_SCHEDULE["verify-last-days"]["task"] == ledger.verify_last_days.name


def test_two_scheduled_verifications_never_run_at_once():
    with other_session_holding(scheduled.LOCK):
        assert scheduled.verify_recent() is None
        assert scheduled.verify_last_days() is None

    # The other session's end takes a moment; and the schedule's own verification may be running.
    assert eventually(scheduled.verify_recent, what="the lock is free")


@contextmanager
def other_session_holding(lock):
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [lock])
    try:
        yield
    finally:
        other.close()


def test_a_verification_that_takes_too_long_has_no_verdict_and_says_so(day):
    with pytest.raises(VerificationUnfinished):
        verify_and_keep(first_day=day, last_day=day, seconds_max=0.0)

    (kept,) = kept_of(day)
    assert (kept.verdict, kept.watermark, kept.counts) == ("none", None, {})
    assert kept.reason.startswith("ledger_verification_unfinished: after 0 ")


def test_results_that_agreed_are_forgotten_after_a_time_and_others_kept(day):
    for _ in range(3):
        verify_and_keep(first_day=day, last_day=day)
    long_ago = clock.now() - timedelta(days=results.AGREED_KEPT_DAYS, seconds=1)
    old, differed, recent = kept_of(day).order_by("finished_at")
    Verification.objects.filter(pk__in=[old.pk, differed.pk]).update(finished_at=long_ago)
    Verification.objects.filter(pk=differed.pk).update(verdict=Verdict.DIFFER, counts={"missing": 1})

    verify_and_keep(first_day=day, last_day=day, is_deep=False)

    assert {kept.pk for kept in kept_of(day)} - {differed.pk, recent.pk} == {kept_of(day).latest("finished_at").pk}
    Verification.objects.filter(pk=differed.pk).delete()


@pytest.mark.parametrize(
    "change",
    [{"counts": {"missing": 1}}, {"verdict": "differ"}, {"verdict": "none"}, {"watermark": None}],
)
def test_the_database_refuses_a_verdict_that_its_counts_contradict(day, change):
    verify_and_keep(first_day=day, last_day=day)

    with pytest.raises(IntegrityError, match="ledger_verification_verdict"), transaction.atomic():
        kept_of(day).update(**change)


def test_staff_reads_the_results_newest_first(day):
    for _ in range(3):
        verify_and_keep(first_day=day, last_day=day)
    newest = kept_of(day).latest("finished_at")
    client = staff().client

    first = client.get("ledger/verifications", params={"limit": 2, "verdict": "agree", "mode": "deep"})
    assert first.status_code == 200, first.text
    shown = first.json()["data"][0]
    assert shown["id"] == str(newest.pk)
    assert shown["first_day"] == str(day)
    assert (shown["verdict"], shown["events"], shown["counts"]) == ("agree", 2, {})
    following = client.get(first.json()["next"])
    assert following.status_code == 200
    assert shown["id"] not in [row["id"] for row in following.json()["data"]]

    assert client.get("ledger/verifications", params={"verdict": "perhaps"}).status_code == 400
