"""STANDBY_POLICY=safe refuses before BEGIN while no standby streams, and takes orders again when one does."""

import pytest

from core.db import safety
from core.db.transactions import atomically
from core.errors import DatabaseUnavailable
from deploy.local.control import Stack
from tests.waiting import eventually


def attempt() -> str:
    try:
        return atomically(lambda: "begun")
    except DatabaseUnavailable as refusal:
        return refusal.code


def test_nothing_begins_without_a_standby_under_the_policy_safe(stack: Stack, settings, monkeypatch):
    monkeypatch.setattr(safety, "_flag", (float("-inf"), True))
    settings.STANDBY = {**settings.STANDBY, "POLICY": "safe"}
    assert attempt() == "begun"

    stack.stop("postgres-standby")

    eventually(lambda: attempt() == "database_unavailable", seconds_max=5, what="writes are refused before BEGIN")
    with pytest.raises(DatabaseUnavailable) as refusal:
        atomically(lambda: pytest.fail("the work was begun"))
    assert (refusal.value.status, refusal.value.retry_after_seconds, refusal.value.retryable) == (503, 2, True)
    stack.start("postgres-standby")
    eventually(lambda: attempt() == "begun", seconds_max=30, what="writes are taken again")


def test_the_policy_available_never_refuses(settings, monkeypatch):
    monkeypatch.setattr(safety, "_flag", (float("inf"), False))
    settings.STANDBY = {**settings.STANDBY, "POLICY": "available"}

    assert attempt() == "begun"
