"""Rebuild on real servers: the new table is right before anybody reads it, and nothing is lost on the way."""

import json
import re
import threading
import time
from datetime import date
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError

from core.payments.models import ImportBatch
from payments_ledger import current_names, session, writing
from payments_ledger.cluster import LOOKUP
from payments_ledger.current_names import Names
from payments_ledger.errors import LedgerUnavailable, RebuildRefused
from payments_ledger.models import LedgerTableName
from payments_ledger.reconciliation import rebuild as rebuilding
from payments_ledger.reconciliation.rebuild import REBUILDABLE, rebuild
from payments_ledger.reconciliation.verify import verify
from payments_ledger.selectors.payments import payment_state
from payments_ledger.tables import PAYMENTS_BY_ID, PAYMENTS_BY_USER_MONTH
from tests.factories.ledger_damage import PaymentsOfADay, by_hand
from tests.factories.ledger_events import fields, insert_history, own_noon, record
from tests.ledger_command import printed_by_ledger
from tests.storefront import Storefront


@pytest.fixture(autouse=True)
def _names_as_before():
    """The tables under their own names again, mended; the side tables go once no process knows them."""
    current_names.forget()
    yield
    rows = list(LedgerTableName.objects.all())
    sides = {each for row in rows for each in (row.current, row.building, row.retiring) if each and each != row.pk}
    for row in rows:
        LedgerTableName.objects.filter(pk=row.pk).update(current=row.pk, building="", retiring="", retire_at=None)
    if sides:
        time.sleep(current_names.NAMES_SECONDS + 0.5)
    LedgerTableName.objects.all().delete()
    current_names.forget()
    with session.temporary(settings.LEDGER["KEYSPACE"]) as owner:
        for side in sides:
            owner.execute(f"DROP TABLE {side}", execution_profile=LOOKUP, timeout=30)


@pytest.fixture
def quick(monkeypatch):
    """Without the wait for other processes: only this one writes and reads in such a test."""
    monkeypatch.setattr(current_names, "NAMES_SECONDS", 0.0)
    monkeypatch.setattr(rebuilding, "_wait_for_writers", lambda: None)


def rebuilt(table, **options):
    return rebuild(table=table, events_per_second=1_000_000, **options)


def described(name):
    keyspace = settings.LEDGER["KEYSPACE"]
    with session.temporary(keyspace) as owner:
        rows = owner.execute(f"DESCRIBE TABLE {keyspace}.{name}", execution_profile=LOOKUP)
        return re.sub(rf"\b{name}\b", "the_table", "\n".join(row["create_statement"] for row in rows))


def test_every_rebuildable_table_is_made_anew_without_what_hands_did_to_the_old(quick):
    day = PaymentsOfADay()
    stranger = day.insert(PAYMENTS_BY_ID, day.bodies[1], payment_id=uuid4())
    day.delete(PAYMENTS_BY_USER_MONTH, day.bodies[1])
    try:
        results = [rebuilt(table) for table in REBUILDABLE]
        after = verify(first_day=day.date, last_day=day.date)
        read = payment_state(stranger[0])
    finally:
        by_hand("DELETE FROM payments_by_id WHERE payment_id = ?", stranger)
        day.insert(PAYMENTS_BY_USER_MONTH, day.bodies[1])

    assert [(each.old, each.new, each.is_switched) for each in results] == [
        (table, f"{table}_2", True) for table in REBUILDABLE
    ]
    assert sorted(REBUILDABLE) == [
        "events_by_day",
        "payments_by_id",
        "payments_by_provider_ref",
        "payments_by_user_month",
    ]
    assert after.agrees, after.differences
    assert read is None
    for each in results:
        assert described(each.new) == described(each.old)
        assert each.rows > 0


def test_a_table_that_does_not_agree_is_not_switched_to(quick, monkeypatch):
    day = PaymentsOfADay()
    lost = UUID(day.bodies[1]["payment_id"])

    def fill_but_one(table, name, rows):
        real(table, name, [(row, event) for row, event in rows if event.payment_id != lost])

    real = writing.fill
    monkeypatch.setattr(writing, "fill", fill_but_one)
    failed = rebuilt("payments_by_id")
    read_meanwhile = PAYMENTS_BY_ID.read_name
    monkeypatch.setattr(writing, "fill", real)
    again = rebuilt("payments_by_id")

    assert not failed.is_switched
    assert [line.split(" seq=")[0] for line in failed.differences] == [f"missing: payments_by_id_2 payment_id={lost}"]
    assert read_meanwhile == "payments_by_id"
    assert (again.is_switched, again.new) == (True, failed.new)


def test_an_interrupted_rebuild_goes_on_with_the_same_table(quick, monkeypatch):
    PaymentsOfADay()
    monkeypatch.setattr(rebuilding, "PAGE_EVENTS", 5)
    pages = []

    def fill_two_pages(table, name, rows):
        pages.append(name)
        if len(pages) == 3:
            raise LedgerUnavailable("Cassandra has gone")
        real(table, name, rows)

    real = writing.fill
    monkeypatch.setattr(writing, "fill", fill_two_pages)
    with pytest.raises(LedgerUnavailable):
        rebuilt("payments_by_provider_ref")
    interrupted = LedgerTableName.objects.get(pk="payments_by_provider_ref")
    result = rebuilt("payments_by_provider_ref")
    everything = rebuilding.plan(table="payments_by_provider_ref").events

    assert (interrupted.building, interrupted.current) == ("payments_by_provider_ref_2", "payments_by_provider_ref")
    assert interrupted.copied_payment_id is not None
    assert result.is_switched
    assert result.events == everything - 10


def recorded_event():
    body = fields(booked_at=own_noon())
    insert_history([body])
    return body


def test_a_sink_that_has_not_heard_of_the_new_table_yet_loses_nothing(quick, monkeypatch):
    """What it writes only to the old table was committed before the copy began, so the copy brings it."""
    late = recorded_event()

    def meanwhile():
        current_names.set_source(dict)
        record([late])
        current_names.set_source(None)

    monkeypatch.setattr(rebuilding, "_wait_for_writers", meanwhile)
    result = rebuilt("payments_by_id")

    assert result.is_switched
    assert PAYMENTS_BY_ID.read_name == "payments_by_id_2"
    assert payment_state(UUID(late["payment_id"]))["version"] == 1


def test_around_the_switch_every_sink_writes_what_every_reader_reads(quick):
    rebuilt("payments_by_id")
    old, new = "payments_by_id", "payments_by_id_2"
    before = {old: Names(old, (old, new))}
    after = {old: Names(new, (new, old))}

    for writer in (before, after):
        body = recorded_event()
        current_names.set_source(lambda names=writer: names)
        record([body])
        for reader in (before, after):
            current_names.set_source(lambda names=reader: names)
            assert payment_state(UUID(body["payment_id"]))["version"] == 1
        current_names.set_source(None)

    assert current_names._from_postgresql()[old] == after[old]


def test_purchases_go_on_through_a_rebuild_and_none_is_missing(stop_buying):
    shop, bought = Storefront(wallet_minor=1_000_000), []
    product = shop.product(price_minor=100, stock=1000)

    def buy():
        while not stop_buying.is_set():
            order_id = shop.order(product)
            assert shop.checkout(order_id).status_code == 200
            bought.append(order_id)

    buyer = threading.Thread(target=buy)
    buyer.start()
    try:
        result = rebuilt("payments_by_id")
        time.sleep(1)
    finally:
        stop_buying.set()
        buyer.join()
    for order_id in bought:
        shop.recorded(order_id)
    current_names.forget()
    today = verify(first_day=date.today(), last_day=date.today(), tables=["payments_by_id"])
    current_names.set_source(dict)
    old_too = verify(first_day=date.today(), last_day=date.today(), tables=["payments_by_id"])
    current_names.set_source(None)

    assert result.is_switched
    assert len(bought) > 3
    assert today.agrees, today.differences
    assert old_too.agrees, old_too.differences


@pytest.fixture
def stop_buying():
    stop = threading.Event()
    yield stop
    stop.set()


def test_while_an_import_is_open_nothing_is_rebuilt():
    day = own_noon().date()
    batch = ImportBatch.objects.create(id=uuid4(), source="orders.parquet", first_day=day, last_day=day)
    try:
        with pytest.raises(RebuildRefused, match=r"orders\.parquet"):
            rebuilt("payments_by_id")
    finally:
        ImportBatch.objects.filter(id=batch.id).update(state=ImportBatch.State.CLOSED, closed_at=batch.opened_at)

    assert not LedgerTableName.objects.exists()


def test_a_dry_run_names_the_tables_and_makes_none():
    answer = json.loads(printed_by_ledger("rebuild", "payments_by_id", "--dry-run", "--json"))

    assert (answer["old"], answer["new"], answer["switched"]) == ("payments_by_id", "payments_by_id_2", False)
    assert not LedgerTableName.objects.exists()


def test_the_command_names_the_old_table(quick):
    lines = printed_by_ledger("rebuild", "payments_by_user_month").splitlines()

    assert lines[1] == "payments_by_user_month is read from payments_by_user_month_2 now"
    assert lines[2].startswith("payments_by_user_month is kept, and written to until ")


def test_the_record_itself_cannot_be_rebuilt():
    with pytest.raises(CommandError, match="invalid choice: 'payment_events'"):
        printed_by_ledger("rebuild", "payment_events")
