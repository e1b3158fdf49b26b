"""Repairs of a day as an operator makes them, and a day with damage of every kind for them to undo."""

from uuid import uuid4

from payments_ledger.reconciliation.repair import Target, repair
from payments_ledger.reconciliation.repair_audit import Block
from payments_ledger.reconciliation.verify import verify
from payments_ledger.rows import rows_of
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
)
from tests.factories.ledger_events import canonical


def mended(day, *, is_dry_run=False, **target):
    days = {} if "payment_id" in target else {"first_day": day.date, "last_day": day.date}
    return repair(
        target=Target(**days, **target),
        who="a tester",
        why="a test",
        rows_per_second=10_000,
        is_dry_run=is_dry_run,
    )


def verified(day):
    return verify(first_day=day.date, last_day=day.date)


def damage_everything(day):
    """Each kind of damage in each table; the rows it touched, as (table, payment, seq)."""
    a, b, c, d, e, f = day.newest()
    day.delete(PAYMENT_EVENTS, a)
    day.delete(PAYMENTS_BY_ID, a)
    day.delete(PAYMENTS_BY_PROVIDER_REF, a)
    day.change(PAYMENT_EVENTS, b, "amount_minor", 999_999)
    day.change(PAYMENT_EVENTS, b, "object_id", uuid4())
    day.change(PAYMENTS_BY_USER_MONTH, b, "status", "nonsense")
    day.change(PAYMENT_EVENTS, c, "postings", {"wallet_liability": 7, "revenue": -1})
    day.change(PAYMENT_EVENTS, d, "body", '{"amount_minor":1}')
    day.change(EVENTS_BY_DAY, d, "region", None)
    day.insert(PAYMENTS_BY_ID, day.bodies[8])
    day.delete(PAYMENTS_BY_USER_MONTH, e)
    day.delete_partition(EVENTS_BY_DAY, f)
    block = block_of(f)
    return sorted(
        [
            ("payment_events", *key(a)),
            ("payments_by_id", *key(a)),
            ("payments_by_provider_ref", *key(a)),
            ("payment_events", *key(b)),
            ("payments_by_user_month", *key(b)),
            ("payment_events", *key(c)),
            ("payment_events", *key(d)),
            ("payments_by_id", *key(e)),
            ("payments_by_user_month", *key(e)),
            *{("events_by_day", *key(body)) for body in day.bodies if block_of(body) == block or body is d},
        ]
    )


def key(body):
    return body["payment_id"], body["seq"]


def block_of(body):
    rows = rows_of(canonical(body))
    return Block(rows.booking_day, rows.payment_type, rows.bucket)


def written(outcome):
    """A reference is brought by both events of a payment; it is counted under the second."""
    return sorted(
        (row["table"], row["payment_id"], 2 if row["table"] == "payments_by_provider_ref" else row["seq"])
        for row in outcome.named
    )
