"""A payment's totals: never more taken than held, never more given back than taken, whatever is asked in any order."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from simulators.card_tokens import Kind
from simulators.operation_log import OperationLog
from simulators.operation_request import OperationRequest
from simulators.payment_totals import PaymentTotals
from simulators.provider import Provider
from simulators.refusals import DisputeRefused, NothingPending

PAYMENTS = [UUID(int=1), UUID(int=2)]

steps = st.lists(
    st.tuples(
        st.sampled_from(["tok_approve", "tok_boleto"]),
        st.sampled_from(PAYMENTS),
        st.sampled_from([Kind.AUTHORIZE, Kind.CAPTURE, Kind.VOID, Kind.REFUND, "paid", "expired", "dispute"]),
        st.integers(1, 6),
    ),
    max_size=30,
)


def play(provider: Provider, script: Sequence[tuple[str, UUID, str, int]]) -> None:
    for number, (token, payment_id, kind, amount_minor) in enumerate(script, start=1):
        if kind in ("paid", "expired"):
            with suppress(NothingPending):
                provider.end_pending(payment_id=payment_id, is_paid=kind == "paid")
        elif kind == "dispute":
            with suppress(DisputeRefused):
                opened = provider.open_dispute(payment_id=payment_id, amount_minor=amount_minor, reason="")
                if amount_minor % 2:
                    provider.end_dispute(dispute_id=opened["dispute_id"], status="won")
        else:
            provider.submit(
                request=OperationRequest(
                    operation_id=UUID(int=number),
                    payment_id=payment_id,
                    kind=Kind(kind),
                    amount_minor=amount_minor,
                    currency="GBP",
                    token=token,
                )
            )


def provider_over(path: Path) -> tuple[Provider, OperationLog]:
    log = OperationLog(path=path)
    return Provider(log=log, slow_seconds=0.0, stopping=threading.Event()), log


@given(script=steps)
def test_no_sequence_takes_more_than_is_held_and_a_replay_gives_the_same_totals(
    script: list[tuple[str, UUID, str, int]],
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        provider, log = provider_over(path)

        play(provider, script)

        totals = [provider.totals(payment_id=payment_id) for payment_id in PAYMENTS]
        moved = {kind: sum(record.get("moved_minor", 0) for record in log.after(number=0) if record.get("kind") == kind)
                 for kind in Kind}  # fmt: skip
        log.close()
        replayed, log = provider_over(path)
        log.close()
    for one in totals:
        assert 0 <= one.refunded_minor + one.disputed_minor <= one.captured_minor <= one.authorized_minor
        assert min(one.refunded_minor, one.disputed_minor, one.voided_minor) >= 0
        assert one.captured_minor + one.voided_minor <= one.authorized_minor
    assert moved[Kind.CAPTURE] == sum(one.captured_minor for one in totals)
    assert moved[Kind.REFUND] == sum(one.refunded_minor for one in totals)
    assert [replayed.totals(payment_id=payment_id) for payment_id in PAYMENTS] == totals


def test_log_of_the_time_before_these_kinds_is_passed_over() -> None:
    totals = PaymentTotals()

    totals.apply({"type": "operation", "operation_id": "a", "kind": "charge", "amount_minor": 700, "charged_minor": 700,
                  "currency": "GBP", "token": "tok_approve"})  # fmt: skip

    assert totals == PaymentTotals()
