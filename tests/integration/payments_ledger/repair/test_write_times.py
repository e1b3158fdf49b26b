"""What was set by hand, in an empty column or with a clock that ran ahead, is overwritten once it can be."""

import time
from uuid import uuid4

from payments_ledger import writing
from payments_ledger.reconciliation import stored_rows
from payments_ledger.rows import rows_of
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS, PAYMENTS_BY_ID
from tests.factories.ledger_events import canonical
from tests.integration.payments_ledger.repair.repairs import mended


def test_what_was_set_by_hand_in_an_empty_column_stays_unless_a_null_is_written(day, monkeypatch):
    body = day.bodies[0]
    day.change(PAYMENT_EVENTS, body, "object_id", uuid4())

    with monkeypatch.context() as without_nulls:
        without_nulls.setattr(stored_rows.Damage, "row_to_write", lambda damage: writing._with_unset(damage.wanted.row))
        helpless = mended(day)

    assert not helpless.agrees
    assert [line.split(":")[0] for line in helpless.resisting] == [
        f"payment_events payment_id={body['payment_id']} seq=1"
    ]
    assert mended(day).agrees


def test_a_null_is_written_only_over_a_value(day):
    day.change(PAYMENT_EVENTS, day.bodies[0], "amount_minor", 5)
    (found,) = stored_rows.damaged(list(stored_rows.lasting_rows([rows_of(canonical(day.bodies[0]))])))

    assert None not in found.row_to_write()


def microseconds_from_now(seconds):
    return int((time.time() + seconds) * 1_000_000)


def test_a_hand_whose_clock_ran_ahead_is_overwritten_where_rows_never_change(day):
    day.change(EVENTS_BY_DAY, day.bodies[0], "amount_minor", 1, timestamp_us=microseconds_from_now(3000))

    assert mended(day).agrees


def test_in_the_latest_state_a_later_hand_is_named_until_its_time_has_come(day):
    body = day.bodies[1]
    ahead = microseconds_from_now(4)
    day.change(PAYMENTS_BY_ID, body, "status", "nonsense", timestamp_us=ahead)

    early = mended(day)
    time.sleep(max(0.0, (ahead - microseconds_from_now(0)) / 1_000_000 + 0.01))
    late = mended(day)

    assert not early.agrees
    assert [line.split(":")[0] for line in early.resisting] == [f"payments_by_id payment_id={body['payment_id']} seq=2"]
    assert late.agrees
