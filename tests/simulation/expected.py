"""What every table should hold, from the events alone, and how a table of the fake Cassandra differs from it."""

from collections.abc import Callable, Iterable
from typing import Any

from payments_ledger.reconciliation.digests import comparable_form
from payments_ledger.rows import EventRows, Row, rows_of
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
    Table,
)
from tests.simulation.books import Books
from tests.simulation.coordinator import Coordinator

_OF_EVENTS: dict[Table, Callable[[EventRows], Row | None]] = {
    PAYMENT_EVENTS: lambda event: event.record,
    EVENTS_BY_DAY: lambda event: event.entry,
    PAYMENTS_BY_PROVIDER_REF: lambda event: event.reference,
}
_OF_PAYMENTS: dict[Table, Callable[[EventRows], Row | None]] = {
    PAYMENTS_BY_ID: lambda event: event.state,
    PAYMENTS_BY_USER_MONTH: lambda event: event.user_month,
}


def differences(books: Books, cassandra: Coordinator) -> dict[str, tuple[list[Any], list[Any]]]:
    """Table → (rows it lacks, rows it should not have); empty when every table is as it should be."""
    events = [rows_of(event.body) for event in books.events.values()]
    newest = {event.payment_id: event for event in sorted(events, key=lambda event: event.seq)}
    found = {}
    for table, row_of in [*_OF_EVENTS.items(), *_OF_PAYMENTS.items()]:
        source: Iterable[EventRows] = events if table in _OF_EVENTS else newest.values()
        comparable = comparable_form(table.columns)
        want = {comparable(row) for row in map(row_of, source) if row is not None}
        stored = cassandra.everything(table.name)
        have = {comparable(tuple(row[column] for column in table.columns)) for row in stored}
        if want != have or len(stored) != len(have):
            found[table.name] = (sorted(want - have, key=repr), sorted(have - want, key=repr))
    return found
