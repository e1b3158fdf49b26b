"""`manage.py ledger`: what it prints and the exit codes people's scripts rely on."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from payments_ledger import session
from payments_ledger.models import Verification
from tests.factories.ledger_events import day_of, fields, history_of_payment, insert_history, own_noon, record
from tests.ledger_command import at_the_command_line, ledger


@pytest.fixture
def bodies():
    made = history_of_payment(events=2, booked_at=own_noon())
    insert_history(made)
    record(made)
    return made


def test_verify_exits_0_when_the_stores_agree(bodies):
    code, output = ledger("verify", "--day", str(day_of(bodies[0])))

    assert code == 0
    assert output.splitlines()[-1] == "the stores agree"
    assert "payment_events: 2 rows" in output


def test_verify_exits_1_and_names_what_differs(bodies):
    body = bodies[0]
    set_currency(body, "EUR")
    try:
        code, output = ledger("verify", "--day", str(day_of(body)), "--json")
    finally:
        set_currency(body, "GBP")

    assert code == 1
    report = json.loads(output)
    assert report["agrees"] is False
    assert report["counts"] == {"different": 1}
    (difference,) = report["differences"]
    assert (difference["payment_id"], difference["seq"]) == (body["payment_id"], 1)
    assert difference["columns"] == {"currency": {"expected": "GBP", "found": "EUR"}}
    kept = kept_of(day_of(body))
    assert (kept.verdict, kept.mode, kept.counts) == ("differ", "deep", {"different": 1})
    assert kept.differences == report["differences"]
    assert (kept.watermark.isoformat(), kept.blocks, kept.events) == (report["watermark"], 2, 2)


def kept_of(day):
    """The newest result of a verification of this day."""
    return Verification.objects.filter(first_day=day, last_day=day).latest("finished_at")


def test_two_processes_find_what_one_finds(bodies):
    day = str(day_of(bodies[0]))
    alone = json.loads(ledger("verify", "--day", day, "--json")[1])

    shared = at_the_command_line("verify", "--day", day, "--json", "--processes", "2")
    quick = at_the_command_line("verify", "--day", day, "--json", "--quick", "--processes", "2")

    assert (shared.returncode, quick.returncode) == (0, 0)
    assert json.loads(shared.stdout)["totals"] == alone["totals"]
    hashed = {store: alone["totals"][store] for store in ("postgresql", "payment_events", "events_by_day")}
    assert json.loads(quick.stdout)["totals"] == hashed


def test_one_table_can_be_verified_alone(bodies):
    day = str(day_of(bodies[0]))

    report = json.loads(ledger("verify", "--day", day, "--json", "--table", "payments_by_user_month")[1])

    assert report["tables"] == ["payments_by_user_month"]
    assert {store: total["rows"] for store, total in report["totals"].items()} == {
        "postgresql": 1,
        "payments_by_user_month": 1,
    }


def set_currency(body, currency):
    """By hand: at the time of now, later than the booking."""
    cql = "UPDATE payment_events SET currency = ? WHERE order_id = ? AND payment_id = ? AND seq = ?"
    session.lookup(cql, [currency, UUID(body["order_id"]), UUID(body["payment_id"]), body["seq"]])


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "--day", "yesterday"],
        ["verify", "--from", "2010-02-01", "--to", "2010-01-01"],
        ["verify", "--day", "2010-01-01", "--from", "2010-01-01"],
        ["verify", "--deep", "--quick"],
        ["verify", "--quick", "--table", "payments_by_id"],
        ["replay", "--since", "noon"],
        ["replay", "--since", "2010-02-01T00:00", "--until", "2010-02-01"],
        ["unheard-of"],
    ],
)
def test_bad_input_exits_2(arguments):
    with pytest.raises((CommandError, SystemExit)) as refusal:
        call_command("ledger", *arguments)

    code = refusal.value.returncode if isinstance(refusal.value, CommandError) else refusal.value.code
    # Django raises what argparse found as a CommandError without a code when called from Python.
    assert code == 2 or "Error: argument" in str(refusal.value) or "invalid choice" in str(refusal.value)


def test_bad_input_at_the_command_line_exits_2():
    done = at_the_command_line("verify", "--day", "yesterday")

    assert done.returncode == 2
    assert "YYYY-MM-DD" in done.stderr


@pytest.mark.parametrize(("variable", "name"), [("CASSANDRA_PORT", "Cassandra"), ("POSTGRES_PORTS", "PostgreSQL")])
def test_a_store_that_does_not_answer_is_named_and_exits_2(variable, name):
    done = at_the_command_line("verify", **{variable: "1,1" if variable == "POSTGRES_PORTS" else "1"})

    assert done.returncode == 2
    assert f"{name} cannot be reached" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    if name == "Cassandra":
        kept = Verification.objects.latest("finished_at")
        assert (kept.verdict, kept.counts, kept.watermark) == ("none", {}, None)
        assert kept.reason.startswith("ledger_unavailable: Cassandra at")


def test_wait_ends_when_everything_is_recorded():
    body = fields(booked_at=own_noon())
    insert_history([body])
    try:
        late_code, late_output = ledger("wait", "--timeout", "0")
    finally:
        record([body])

    assert late_code == 1
    assert "not recorded in time" in late_output
    assert ledger("wait", "--timeout", "30") == (0, "every event is recorded\n")


def test_replay_writes_what_never_arrived():
    lost = history_of_payment(events=2, booked_at=own_noon())
    insert_history(lost)

    code, output = ledger("replay", "--payment", lost[0]["payment_id"])

    assert code == 0
    assert "2 events written again" in output
    assert ledger("verify", "--day", str(day_of(lost[0])))[0] == 0


def test_replay_takes_a_range_of_booking_times_and_a_dry_run_writes_nothing():
    noon = own_noon()
    lost = history_of_payment(events=4, booked_at=noon)
    insert_history(lost)
    span = ["--since", f"{noon + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}", "--until", str(noon + timedelta(seconds=3))]

    dry = ledger("replay", *span, "--dry-run", "--json")
    written_after_dry_run = stored_seqs(lost[0])
    wet = ledger("replay", *span)
    written = stored_seqs(lost[0])
    record(lost)

    assert (dry[0], json.loads(dry[1])["events"]) == (0, 2)
    assert written_after_dry_run == []
    assert "2 events written again" in wet[1]
    assert written == [2, 3]


def stored_seqs(body):
    cql = "SELECT seq FROM payment_events WHERE order_id = ? AND payment_id = ?"
    return [row["seq"] for row in session.lookup(cql, [UUID(body["order_id"]), UUID(body["payment_id"])])]


def test_migrate_has_nothing_to_do_twice():
    assert ledger("migrate") == (0, "the ledger's schema is current\n")
