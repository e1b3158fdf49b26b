"""A day of payments in both stores, and the means to damage Cassandra's side of it by hand."""

from datetime import timedelta

from payments_ledger import session
from payments_ledger.rows import rows_of
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
)
from tests.factories.ledger_events import (
    canonical,
    day_of,
    history_of_payment,
    insert_history,
    own_noon,
    record,
)

ROW_OF = {
    PAYMENT_EVENTS: "record",
    EVENTS_BY_DAY: "entry",
    PAYMENTS_BY_ID: "state",
    PAYMENTS_BY_USER_MONTH: "user_month",
    PAYMENTS_BY_PROVIDER_REF: "reference",
}


def by_hand(cql, values=()):
    """A statement as somebody at cqlsh would send it: at the time of now."""
    return list(session.session().execute(session.prepared(cql), values, execution_profile=session.LOOKUP))


class PaymentsOfADay:
    """Payments of two events each, on a day of their own, held by PostgreSQL and recorded unless told otherwise."""

    def __init__(self, *, payments=6, is_recorded=True, inserted_seconds_ago=0):
        noon = own_noon()
        self.bodies = [
            body
            for number in range(payments)
            for body in history_of_payment(
                events=2,
                booked_at=noon + timedelta(minutes=number),
                amount_minor=1000 + number,
                payment_type="card" if number % 2 else "wallet",
                provider="simulator",
                provider_ref=f"ref-{noon:%Y%m%d}-{number}",
            )
        ]
        self.date = day_of(self.bodies[0])
        insert_history(self.bodies, inserted_seconds_ago=inserted_seconds_ago)
        if is_recorded:
            record(self.bodies)

    def newest(self):
        return self.bodies[1::2]

    def row(self, table, body):
        return dict(zip(table.columns, getattr(rows_of(canonical(body)), ROW_OF[table]), strict=True))

    def condition(self, table, body):
        row = self.row(table, body)
        return table.key_condition(), [row[column] for column in table.key]

    def delete(self, table, body):
        condition, values = self.condition(table, body)
        by_hand(f"DELETE FROM {table.name} WHERE {condition}", values)

    def delete_partition(self, table, body):
        row = self.row(table, body)
        by_hand(
            f"DELETE FROM {table.name} WHERE {table.partition_condition()}", [row[name] for name in table.partition_key]
        )

    def change(self, table, body, column, value, *, timestamp_us=None):
        condition, values = self.condition(table, body)
        if timestamp_us is None:
            by_hand(f"UPDATE {table.name} SET {column} = ? WHERE {condition}", [value, *values])
        else:
            by_hand(
                f"UPDATE {table.name} USING TIMESTAMP ? SET {column} = ? WHERE {condition}",
                [timestamp_us, value, *values],
            )

    def insert(self, table, body, **changes):
        row = {**self.row(table, body), **changes}
        by_hand(f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        return [row[column] for column in table.key]

    def stored(self, *, with_write_times=False):
        """Every row these events have in any of the tables, by table and key; with write times on request."""
        found = {}
        for table in ROW_OF:
            columns = list(table.columns)
            if with_write_times:
                columns += [f"writetime({name})" for name in table.columns if name not in table.key]
            for body in self.bodies:
                condition, values = self.condition(table, body)
                rows = session.stream(table.select_cql(columns=tuple(columns), where=condition), values)
                found[table.name, tuple(map(str, values))] = [repr(row) for row in rows]
        return found
