"""Days of payments that are in both stores and may be sealed; and the hands that change what they must not."""

from datetime import date, timedelta

import psycopg2
from django.db import connection

from core.env import env
from tests.factories.ledger_events import day_of, history_of_payment, insert_history, own_noon, record


class SealableDay:
    """A day of its own with some payments of two types, and one refund's worth of events each."""

    def __init__(self, *, payments=4):
        noon = own_noon()
        self.bodies = [
            body
            for number in range(payments)
            for body in history_of_payment(
                events=2,
                booked_at=noon + timedelta(minutes=number),
                amount_minor=1000 + number,
                payment_type="wallet" if number % 2 else "card",
            )
        ]
        self.date: date = day_of(self.bodies[0])
        insert_history(self.bodies)
        record(self.bodies)


def as_owner(statement, values=()):
    """What only the role that owns the tables may do; never what the application does."""
    parameters = {
        **connection.get_connection_params(),
        "user": env.str("POSTGRES_OWNER_USER"),
        "password": env.str("POSTGRES_OWNER_PASSWORD"),
    }
    parameters.pop("cursor_factory", None)
    opened = psycopg2.connect(**parameters)
    try:
        with opened, opened.cursor() as cursor:
            cursor.execute(statement, values)
    finally:
        opened.close()
