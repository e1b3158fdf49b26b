"""Payment events for tests of the ledger: bodies made by hand, so that rows.py is not tested against itself."""

import itertools
import json
import random
import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4, uuid5
from zlib import crc32

from django.db import connection, transaction

from core.ids import EVENT_NAMESPACE
from core.payments.domain.accounts import postings_of
from core.payments.domain.payment_state import EventType, PaymentState, PaymentType, next_state
from core.payments.domain.totals import Totals, totals_after
from core.payments.models import Payment
from payments_ledger import session
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.sink import LedgerProjection


@dataclass(frozen=True)
class Message:
    """What the sink sees of a Kafka message."""

    key: str
    seq: int
    value: bytes


def text_of_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def fields(
    *,
    payment_id: UUID | None = None,
    seq: int = 1,
    booked_at: datetime | None = None,
    amount_minor: int = 1250,
    payment_type: str = "wallet",
    **changes: Any,
) -> dict[str, Any]:
    """The body of a captured payment as a dictionary; `changes` replace or add fields."""
    payment_id = payment_id or uuid4()
    booked_at = booked_at or datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    return {
        "event_id": str(uuid5(EVENT_NAMESPACE, f"{payment_id}:{seq}")),
        "event_type": "payments.payment.captured.v1",
        "payment_id": str(payment_id),
        "seq": seq,
        "order_id": str(uuid4()),
        "user_id": str(uuid4()),
        "object_id": None,
        "payment_type": payment_type,
        "provider": "",
        "provider_ref": "",
        "status_after": "captured",
        "amount_minor": amount_minor,
        "currency": "GBP",
        "authorized_minor": amount_minor,
        "captured_minor": amount_minor,
        "refunded_minor": 0,
        "disputed_minor": 0,
        "postings": {"wallet_liability": amount_minor, "revenue": -amount_minor},
        "occurred_at": text_of_time(booked_at),
        "booked_at": text_of_time(booked_at),
        "booking_day": booked_at.astimezone(UTC).date().isoformat(),
        "bucket": crc32(str(payment_id).encode()) % 4,
        "region": "GB",
        "payment_created_at": text_of_time(booked_at),
        "schema_version": 1,
        **changes,
    }


def canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def message_of(body: dict[str, Any]) -> Message:
    return Message(key=body["payment_id"], seq=body["seq"], value=canonical(body))


def history_of_payment(*, events: int, booked_at: datetime, **changes: Any) -> list[dict[str, Any]]:
    """The bodies of one payment with this many events, a second apart, all of one order."""
    payment_id = uuid4()
    # What an event says of its payment, and so is the same in all of them.
    constant = {
        "order_id": str(uuid4()),
        "user_id": str(uuid4()),
        "payment_created_at": text_of_time(booked_at),
    }
    return [
        fields(
            payment_id=payment_id,
            seq=seq,
            booked_at=booked_at + timedelta(seconds=seq - 1),
            **{**constant, **changes},
        )
        for seq in range(1, events + 1)
    ]


def insert_history(
    bodies: list[dict[str, Any]], *, inserted_seconds_ago: int = 0, postings: dict[str, int] | None = None
) -> None:
    """Put the events into PaymentEvent, and nowhere else: no outbox row, so no worker will record them.

    `postings` stand in the column instead of those of the body, which then contradict it.
    """
    rows = []
    for body in bodies:
        raw = canonical(body)
        rows.append(
            (
                *(body[name] for name in ("payment_id", "seq", "booking_day", "event_id", "order_id", "booked_at")),
                *(body[name] for name in ("payment_type", "bucket", "event_type", "amount_minor", "currency")),
                json.dumps(body["postings"] if postings is None else postings),
                raw,
                sha256(raw).digest(),
                inserted_seconds_ago,
            )
        )
    with connection.cursor() as cursor:
        for month in sorted({body["booking_day"][:7] for body in bodies}):
            cursor.execute("SELECT payments_ensure_event_partition(%s::date)", [f"{month}-01"])
        cursor.executemany(
            "INSERT INTO payments_paymentevent (payment_id, seq, booking_day, event_id, order_id, booked_at, "
            "payment_type, bucket, event_type, amount_minor, currency, postings, body, body_sha256, inserted_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, "
            "clock_timestamp() - make_interval(secs => %s))",
            rows,
        )


def day_of(body: dict[str, Any]) -> date:
    return date.fromisoformat(body["booking_day"])


# Consecutive days from a random one on: months, and so partitions, stay few, and a second run finds fresh days.
_days = itertools.count(random.randrange(10_000))


def own_noon() -> datetime:
    """Noon of a day of the last century that no other test of this run books on."""
    return datetime(1971, 1, 1, 12, tzinfo=UTC) + timedelta(days=next(_days))


def record(bodies: list[dict[str, Any]]) -> None:
    """Through the sink, as the ledger worker does: every table, then recorded_seq."""
    sink = LedgerProjection()
    batch = [message_of(body) for body in bodies]
    sink.project(batch)
    with transaction.atomic():
        sink.record(batch)


def until_cassandra_answers(*, seconds_max: float = 15.0) -> None:
    """After an outage this process's session takes a second or two to notice that the node is back."""
    deadline = time.monotonic() + seconds_max
    while True:
        try:
            return session.ping()
        except LedgerUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def life_of_payment(
    *steps: tuple[str, int],
    payment_type: str = "wallet",
    provider: str = "",
    booked_at: datetime | None = None,
    seconds_apart: float = 1.0,
    **changes: Any,
) -> list[dict[str, Any]]:
    """The bodies of one payment that went through `steps`, like ("refund.succeeded", 200): states, totals, postings.

    By the rules of core.payments.domain, so that such a payment is one that could have been booked.
    """
    payment_id, order_id = changes.pop("payment_id", uuid4()), changes.pop("order_id", str(uuid4()))
    user_id, began = changes.pop("user_id", str(uuid4())), booked_at or own_noon()
    bodies: list[dict[str, Any]] = []
    state: PaymentState | None = None
    totals = Totals()
    for seq, (name, amount_minor) in enumerate(steps, start=1):
        event_type = EventType(f"payments.{name}.v1")
        totals = totals_after(totals, event_type, amount_minor, is_first=seq == 1)
        state = next_state(state, event_type, remainder_minor=totals.remainder_minor)
        told = {
            "payment_id": payment_id,
            "seq": seq,
            "order_id": order_id,
            "user_id": user_id,
            "event_type": str(event_type),
            "status_after": str(state),
            "amount_minor": amount_minor,
            "payment_type": payment_type,
            "provider": provider,
            "postings": dict(postings_of(event_type, PaymentType(payment_type), amount_minor, provider)),
            "payment_created_at": text_of_time(began),
            **asdict(totals),
        }
        bodies.append(fields(booked_at=began + timedelta(seconds=seconds_apart * (seq - 1)), **{**told, **changes}))
    return bodies


def decide(bodies: list[dict[str, Any]]) -> Payment:
    """PostgreSQL's row of the payment with these events, as booking them would have left it."""
    last = bodies[-1]
    same = ("order_id", "user_id", "payment_type", "seq", "currency", "provider", "provider_ref", "region")
    totals = ("authorized_minor", "captured_minor", "refunded_minor", "disputed_minor")
    return Payment.objects.create(
        id=last["payment_id"],
        state=last["status_after"],
        amount_minor=bodies[0]["amount_minor"],
        created_at=last["payment_created_at"],
        last_booked_at=last["booked_at"],
        **{name: last[name] for name in (*same, *totals)},
    )
