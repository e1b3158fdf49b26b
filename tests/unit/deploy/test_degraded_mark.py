"""The mark that forbids a promotion, and when the guard sets it."""

from threading import Event
from typing import Any

import pytest

from core.db import replication, standby
from core.db.degraded_mark import DegradedMark
from core.db.replication import StandbyState
from core.db.standby import StandbyGuard

# Every step that would use it is replaced.
NO_CONNECTION: Any = None


@pytest.fixture
def mark(tmp_path) -> DegradedMark:
    return DegradedMark(tmp_path / "folder" / "standby.degraded")


def test_the_first_reason_stays_until_the_mark_is_removed(mark):
    mark.write("first")
    mark.write("second")

    assert (mark.stands(), mark.reason()) == (True, "first")

    mark.remove()
    mark.remove()

    assert (mark.stands(), mark.reason()) == (False, "")


def test_the_mark_stands_before_the_primary_may_commit_alone(mark, monkeypatch):
    seen = []
    monkeypatch.setattr(
        replication, "require_standby", lambda connection, *, is_required: seen.append((is_required, mark.stands()))
    )

    replication.degrade(NO_CONNECTION, mark, reason="away")

    assert seen == [(False, True)]


def test_a_standby_too_far_behind_is_not_taken_back(mark, monkeypatch):
    mark.write("away")
    too_far = replication.REJOIN_LAG_BYTES_MAX + 1
    monkeypatch.setattr(replication, "read_state", lambda connection: StandbyState(False, False, "0/1", too_far))
    monkeypatch.setattr(replication, "require_standby", lambda *_, **__: pytest.fail("it must not be required yet"))

    assert replication.restore(NO_CONNECTION, mark) is False
    assert mark.stands()


@pytest.fixture
def guard(mark, monkeypatch) -> StandbyGuard:
    guard = StandbyGuard(Event())
    guard.mark, guard.policy, guard.grace_seconds = mark, "available", 5.0
    return guard


def step_without_standby(guard: StandbyGuard, monkeypatch, *, absent_seconds: float) -> list[str]:
    acts: list[str] = []
    monkeypatch.setattr(standby, "read_state", lambda connection: StandbyState(True, False, "0/1", None))
    monkeypatch.setattr(standby, "degrade", lambda connection, mark, *, reason: acts.append(reason))
    monkeypatch.setattr(standby.time, "monotonic", lambda: guard.seen_at + absent_seconds)
    guard.step(NO_CONNECTION)
    return acts


def test_within_the_grace_nothing_is_done(guard, monkeypatch):
    assert step_without_standby(guard, monkeypatch, absent_seconds=4.9) == []


def test_after_the_grace_the_primary_commits_alone(guard, monkeypatch):
    acts = step_without_standby(guard, monkeypatch, absent_seconds=5.0)

    assert acts == ["no synchronous standby streamed for 5 s; primary at 0/1"]


def test_the_safe_policy_never_lets_the_primary_commit_alone(guard, monkeypatch):
    guard.policy = "safe"

    assert step_without_standby(guard, monkeypatch, absent_seconds=500) == []
