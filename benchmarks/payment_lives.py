"""Payments as the ledger would record them: whole lives of 1 to 5 events, 2.5 on average, with real bodies and rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from uuid import UUID

from benchmarks.row_bytes import row_bytes
from core.ids import event_id
from core.payments.domain.accounts import postings_of
from core.payments.domain.buckets import bucket_of
from core.payments.domain.payment_state import EventType, PaymentState, PaymentType
from core.payments.events import PAYMENT_EVENT_CLASSES
from outbox.events import encode
from payments_ledger.rows import EventRows, rows_of
from payments_ledger.tables import EVENTS_BY_DAY

# Of a hundred payments, how many have a life of this many events: 2.5 on average.
LIVES_PER_HUNDRED = {1: 25, 2: 25, 3: 35, 4: 5, 5: 10}
EVENTS_PER_PAYMENT = sum(events * share for events, share in LIVES_PER_HUNDRED.items()) / 100
TYPE_SHARES = {PaymentType.CARD: 0.70, PaymentType.WALLET: 0.15, PaymentType.BOLETO: 0.10, PaymentType.VOUCHER: 0.05}

Stage = tuple[EventType, PaymentState]

_CREATED: Stage = (EventType.CREATED, PaymentState.PROCESSING)
_ACTION: Stage = (EventType.ACTION_REQUIRED, PaymentState.REQUIRES_ACTION)
_HELD: Stage = (EventType.AUTHORIZED, PaymentState.AUTHORIZED)
_TAKEN: Stage = (EventType.CAPTURED, PaymentState.CAPTURED)
_FAILED: Stage = (EventType.FAILED, PaymentState.FAILED)
_REFUND: tuple[Stage, Stage] = (
    (EventType.REFUND_REQUESTED, PaymentState.CAPTURED),
    (EventType.REFUND_SUCCEEDED, PaymentState.CAPTURED),
)
_LIVES: dict[int, tuple[Stage, ...]] = {
    1: (_TAKEN,),
    2: (_CREATED, _FAILED),
    3: (_CREATED, _HELD, _TAKEN),
    4: (_CREATED, _ACTION, _HELD, _TAKEN),
    5: (_CREATED, _HELD, _TAKEN, *_REFUND),
}


def stages_of(events: int) -> tuple[Stage, ...]:
    """What happens in a life of this many events; beyond five, one partial refund after the other."""
    if events in _LIVES:
        return _LIVES[events]
    return (_LIVES[5] + _REFUND * (events // 2))[:events]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Whose payment it is, and when it began."""

    payment_id: UUID
    order_id: UUID
    user_id: UUID
    payment_type: PaymentType
    began_at: datetime
    bucket_count: int


def rows_of_life(life: Life, events: int, *, random: Random) -> list[EventRows]:
    """The rows of each event, in order: real bodies, through the code that records them."""
    at_provider = life.payment_type in (PaymentType.CARD, PaymentType.BOLETO)
    provider = "simulated" if at_provider else ""
    amount = 12_345
    made = []
    for seq, (event_type, state) in enumerate(stages_of(events), start=1):
        booked_at = life.began_at + timedelta(seconds=seq, microseconds=random.randrange(1_000_000))
        fact = PAYMENT_EVENT_CLASSES[event_type](
            event_id=event_id(life.payment_id, seq),
            event_type=str(event_type),
            payment_id=life.payment_id,
            seq=seq,
            order_id=life.order_id,
            user_id=life.user_id,
            object_id=uuid7(life.began_at, random) if seq > 1 else None,
            payment_type=str(life.payment_type),
            provider=provider,
            provider_ref=f"pi_{random.getrandbits(96):024x}" if at_provider else "",
            status_after=str(state),
            amount_minor=amount,
            currency="GBP",
            authorized_minor=amount,
            captured_minor=amount,
            refunded_minor=0,
            disputed_minor=0,
            postings=dict(postings_of(event_type, life.payment_type, amount, provider)),
            occurred_at=booked_at,
            booked_at=booked_at,
            booking_day=booked_at.date(),
            bucket=bucket_of(life.payment_id, life.bucket_count),
            region="United Kingdom",
            payment_created_at=life.began_at,
        )
        made.append(rows_of(encode(fact)))
    return made


def uuid7(moment: datetime, random: Random) -> UUID:
    """A UUIDv7 of this moment whose random part comes from `random`, so that a run can be repeated."""
    return UUID(int=uuid7_base(moment) | random.getrandbits(62) | random.getrandbits(12) << 64)


def uuid7_base(moment: datetime) -> int:
    """Time, version and variant of a UUIDv7; its 74 random bits are zero."""
    return int(moment.timestamp() * 1000) << 80 | 7 << 76 | 0b10 << 62


@cache
def entry_bytes_of_life(payment_type: PaymentType, events: int) -> int:
    """What a life of this many events takes in events_by_day."""
    return sum(row_bytes(EVENTS_BY_DAY, event.entry) for event in sample_life(payment_type, events))


def sample_life(payment_type: PaymentType, events: int) -> Sequence[EventRows]:
    """One life, always the same."""
    random = Random(events)
    began_at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    life = Life(
        payment_id=uuid7(began_at, random),
        order_id=uuid7(began_at, random),
        user_id=uuid7(began_at, random),
        payment_type=payment_type,
        began_at=began_at,
        bucket_count=64,
    )
    return rows_of_life(life, events, random=random)
