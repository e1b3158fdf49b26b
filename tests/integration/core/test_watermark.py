"""The watermark never lies above an event that one of the stores cannot show yet."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from django.db import connection, transaction

from core.payments.models import Payment, PaymentEvent
from core.payments.selectors import watermark
from tests.storefront import Storefront
from tests.waiting import eventually


@pytest.fixture
def other_session() -> Iterator[Any]:
    session = psycopg2.connect(**connection.get_connection_params())
    yield session
    session.rollback()
    session.close()


def test_an_open_transaction_that_has_written_holds_it_back(other_session):
    with other_session.cursor() as cursor:
        cursor.execute("SELECT now(), pg_current_xact_id()")
        began_at = cursor.fetchone()[0]

    held = watermark.read()
    other_session.rollback()

    assert held <= began_at
    assert eventually(lambda: watermark.read() > began_at, what="other tests' events are recorded")


def test_an_open_transaction_that_only_reads_does_not(other_session):
    with other_session.cursor() as cursor:
        cursor.execute("SELECT now()")
        began_at = cursor.fetchone()[0]

    assert eventually(lambda: watermark.read() > began_at, what="other tests' events are recorded")


def test_a_young_event_holds_it_back_until_it_is_recorded():
    with transaction.atomic():
        shop = Storefront(wallet_minor=100)
        (event,) = PaymentEvent.objects.filter(payment_type="deposit", order_id__in=deposits_of(shop))

        held = watermark.read()

        assert held <= event.booked_at
    assert eventually(lambda: watermark.read() > event.booked_at, what="the deposit is recorded")


def deposits_of(shop: Storefront) -> list[UUID]:
    return list(Payment.objects.filter(user=shop.user).values_list("order_id", flat=True))
