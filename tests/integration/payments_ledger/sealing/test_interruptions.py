"""A crash anywhere is gone on from, two do not seal at once, and a chain that was changed is not added to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from django.core.management import CommandError
from django.db import connection

from core.payments.selectors import sealed_days
from payments_ledger.seals import published, publishing, recording, sealing, totals
from payments_ledger.seals.audit import audit_chain
from payments_ledger.seals.errors import ChainBroken, SealingBusy
from payments_ledger.seals.sealing import Outcome, seal_day
from tests.integration.payments_ledger.sealable import SealableDay
from tests.integration.payments_ledger.sealing.days import assert_whole
from tests.ledger_command import ledger

PROJECT = Path(__file__).resolve().parents[4]


class Died(BaseException):
    """As if the process had ended: nothing catches it."""


STEPS = {
    "the seal is decided": (recording, "write"),
    "Cassandra has it": (totals, "recompute"),
    "the totals are written": (published, "append"),
    "half a line is written": (os, "fsync"),
    "before it is decided": (sealing, "_decide"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_between_any_two_steps_is_gone_on_from(day, monkeypatch, step):
    module, name = STEPS[step]

    def die(*arguments, **options):
        if step == "half a line is written":
            os.ftruncate(arguments[0], os.fstat(arguments[0]).st_size - 100)
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(module, name, die)
        with pytest.raises(Died):
            seal_day(day.date)

    was_decided = sealed_days.is_sealed(day.date)
    assert was_decided == (step != "before it is decided")
    if was_decided:
        assert not audit_chain().agrees
    later = SealableDay(payments=1)
    assert seal_day(later.date).outcome is Outcome.SEALED
    assert seal_day(day.date).outcome is (Outcome.ALREADY_SEALED if was_decided else Outcome.SEALED)
    assert_whole(day)
    assert_whole(later)


def test_a_killed_process_leaves_the_seal_to_the_next(day):
    program = (
        "import os, signal, django; django.setup(); from datetime import date; "
        "from payments_ledger.seals import published, sealing; "
        "published.append = lambda seal: os.kill(os.getpid(), signal.SIGKILL); "
        f"sealing.seal_day(date.fromisoformat('{day.date}'))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "core.settings", "LOG_LEVEL": "ERROR"}

    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=environment, timeout=60, check=False)

    assert done.returncode == -signal.SIGKILL
    assert sealed_days.is_sealed(day.date)
    assert [finding.place for finding in audit_chain().findings] == ["file"]
    assert seal_day(day.date).outcome is Outcome.ALREADY_SEALED
    assert_whole(day)


def test_two_do_not_seal_at_once(day):
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('payments_ledger.seals', 0))")
        with pytest.raises(SealingBusy):
            seal_day(day.date)
        with pytest.raises(CommandError, match="another process") as refusal:
            ledger("seal", "--day", str(day.date))
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended('payments_ledger.seals', 0))")
    finally:
        other.close()

    assert refusal.value.returncode == 2
    assert seal_day(day.date).outcome is Outcome.SEALED


def test_nothing_is_added_to_a_published_chain_that_was_changed(day):
    seal_day(SealableDay(payments=1).date)
    seal_day(SealableDay(payments=1).date)
    content = published.path().read_bytes()
    published.path().write_bytes(b"".join(content.splitlines(keepends=True)[:-2]))
    try:
        with pytest.raises(ChainBroken, match="audit-chain"):
            seal_day(day.date)
        with pytest.raises(CommandError) as refusal:
            ledger("seal", "--day", str(day.date))
    finally:
        published.path().write_bytes(content)

    assert refusal.value.returncode == 1
    assert not sealed_days.is_sealed(day.date)
    assert publishing.finish_interrupted() is None
