"""The events of a day to export, with a seal and without."""

from datetime import timedelta

import pytest

from payments_ledger import session
from tests.factories.ledger_events import day_of, fields, history_of_payment, insert_history, own_noon, record
from tests.integration.payments_ledger.export.exports import seal


@pytest.fixture
def bodies():
    """The events of a day: two payments of several types and currencies."""
    noon = own_noon()
    made = [
        *history_of_payment(events=3, booked_at=noon, region="Réunion"),
        fields(booked_at=noon + timedelta(hours=1), payment_type="credit", currency="BRL", amount_minor=-77, seq=1,
               event_type="payments.credit.posted.v1", postings={}, provider="simulator", status_after="posted"),
    ]  # fmt: skip
    insert_history(made)
    record(made)
    return made


@pytest.fixture
def sealed(bodies):
    """The same day with a seal, which goes again afterwards: no other test may find it in the chain."""
    day = day_of(bodies[0])
    seal(day)
    yield bodies
    session.lookup("DELETE FROM ledger_seals WHERE booking_day = ?", [day])
