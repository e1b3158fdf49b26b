"""A day of payments in both stores, and the means to damage Cassandra's side of it by hand."""

from datetime import timedelta
from uuid import uuid4

from payments_ledger.reconciliation.verify import verify
from payments_ledger.rows import rows_of
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
)
from tests.factories.ledger_damage import by_hand
from tests.factories.ledger_events import canonical, day_of, history_of_payment, insert_history, own_noon, record

# Table → the part of EventRows that is its row.
ROWS = {
    PAYMENT_EVENTS: "record",
    EVENTS_BY_DAY: "entry",
    PAYMENTS_BY_ID: "state",
    PAYMENTS_BY_USER_MONTH: "user_month",
    PAYMENTS_BY_PROVIDER_REF: "reference",
}
TABLES = {table.name: table for table in ROWS}
WALLET = {"payment_type": "wallet"}
CARD = {"payment_type": "card", "provider": "simulator"}


class Day:
    """A day of payments of two events each, by turns by card and by wallet, and the means to damage Cassandra's side.

    Its events are old enough to be missing, not on their way, when `is_recorded` is false.
    """

    def __init__(self, *, payments=6, is_recorded=True):
        noon = own_noon()
        self.bodies = [
            body
            for number in range(payments)
            for body in history_of_payment(
                events=2,
                booked_at=noon + timedelta(minutes=number),
                amount_minor=1000 + number,
                **(WALLET if number % 2 else CARD | {"provider_ref": f"r-{uuid4()}"}),
            )
        ]
        self.date = day_of(self.bodies[0])
        # Tables and keys of rows put where no event has one.
        self.strays = []
        insert_history(self.bodies, inserted_seconds_ago=61)
        if is_recorded:
            record(self.bodies)

    def rows(self, body):
        return rows_of(canonical(body))

    def row(self, table_name, body):
        table = TABLES[table_name]
        return dict(zip(table.columns, getattr(self.rows(body), ROWS[table]), strict=True))

    def condition(self, table_name, body):
        row, key = self.row(table_name, body), TABLES[table_name].key
        return " AND ".join(f"{column} = ?" for column in key), [row[column] for column in key]

    def delete(self, table_name, body):
        condition, values = self.condition(table_name, body)
        by_hand(f"DELETE FROM {table_name} WHERE {condition}", values)

    def change(self, table_name, body, column, value):
        condition, values = self.condition(table_name, body)
        by_hand(f"UPDATE {table_name} SET {column} = ? WHERE {condition}", [value, *values])

    def insert(self, table_name, body, **changes):
        # An absent value is written as NULL, so that mending also takes away what was put there by hand.
        row = {**self.row(table_name, body), **changes}
        if changes.keys() & set(TABLES[table_name].key):
            self.strays.append((table_name, [row[column] for column in TABLES[table_name].key]))
        marks = ", ".join("?" * len(row))
        by_hand(f"INSERT INTO {table_name} ({', '.join(row)}) VALUES ({marks})", list(row.values()))

    def mend(self):
        """Write every row as it was, now: a write at the original time would not undo what was done by hand."""
        for table_name, key_values in self.strays:
            condition = " AND ".join(f"{column} = ?" for column in TABLES[table_name].key)
            by_hand(f"DELETE FROM {table_name} WHERE {condition}", key_values)
        self.strays.clear()
        record(self.bodies)
        for body in self.bodies:
            self.insert("payment_events", body)
            self.insert("events_by_day", body)
        newest = {body["payment_id"]: body for body in self.bodies}
        for body in newest.values():
            self.insert("payments_by_id", body)
            self.insert("payments_by_user_month", body)
            if body["provider_ref"]:
                self.insert("payments_by_provider_ref", body)

    def verify(self, **options):
        return verify(first_day=self.date, last_day=self.date, **options)


def keys_in(kind, tables, *bodies):
    """What `found` gives when these events' rows are so in these tables."""
    return [(kind, table, *key(body)) for table in tables for body in bodies]


def found(report):
    return sorted((item.kind, item.table, str(item.payment_id), item.seq) for item in report.differences)


def key(body):
    return body["payment_id"], body["seq"]
