"""What providers, workers and time do: answers and claims of operations, deadlines and disputes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from core.clock import now
from core.ids import new_id
from core.orders.models import Checkout
from core.orders.services import deadlines, disputes
from core.orders.services.disputes import DisputeNotice
from core.payments.domain.dispute_state import DisputeState
from core.payments.models import Dispute, PaymentOperation
from core.payments.services import operations
from tests import played_provider
from tests.integration.orders.lifecycle.shops import Shops, amount_of
from tests.properties import payment_model as model

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ANSWERS: list[model.Says] = ["succeeded", "succeeded", "declined", "unknown", "pending", "not_found", "other_amount"]


class Providers(Shops):
    """A shop whose payments are answered, late or twice or never, and disputed."""

    @precondition(lambda self: self.operations(is_open=True))
    @rule(data=st.data(), says=st.sampled_from(ANSWERS))
    def answer(self, data: st.DataObject, says: model.Says) -> None:
        """By the worker that asked, by the janitor, or by a webhook: all three record the same way."""
        self.hear(*data.draw(st.sampled_from(self.operations(is_open=True))), says)

    @precondition(lambda self: self.operations())
    @rule(data=st.data(), says=st.sampled_from(ANSWERS))
    def answer_again_or_late(self, data: st.DataObject, says: model.Says) -> None:
        """About any operation, settled ones too: the same once more, the contrary, or out of order."""
        self.hear(*data.draw(st.sampled_from(self.operations())), says)

    @precondition(lambda self: self.operations(is_open=True))
    @rule(data=st.data())
    def settle_next(self, data: st.DataObject) -> None:
        """Most providers say yes to most things; without this few runs would come to refunds and disputes."""
        self.hear(*self.operations(is_open=True)[0], "succeeded")

    @precondition(lambda self: self.operations(is_open=True))
    @rule(data=st.data(), by=st.sampled_from(["worker", "janitor"]))
    def claim(self, data: st.DataObject, by: str) -> None:
        _, payment, operation = data.draw(st.sampled_from(self.operations(is_open=True)))
        row = self.row_of(payment, operation)
        with played_provider.parked():
            due = PaymentOperation.objects.filter(pk=row.pk)
            due.update(next_attempt_at=LONG_AGO, lease_until=None if row.lease_until is None else LONG_AGO)
            taking = operations.claim_to_submit if by == "worker" else operations.claim_to_query
            wanted = ("requested",) if by == "worker" else ("submitted", "unknown", "accepted")
            taken = taking(owner=new_id(), limit=1) if operation.state in wanted else []
            # The workers of the stack must not think that this lease ran out.
            due.filter(lease_owner__isnull=False).update(lease_until=now() + timedelta(days=1), queries=0)
        assert [one.id for one in taken] == ([row.id] if operation.state in wanted else [])
        if by == "worker" and operation.state == "requested":
            operation.state, operation.attempts = "submitted", operation.attempts + 1
        elif by == "janitor" and operation.state == "submitted":
            operation.state = "unknown"

    @precondition(lambda self: any(order.live for order in self.shop.orders))
    @rule(data=st.data())
    def deadline_passes(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from([order for order in self.shop.orders if order.live]))

        def expire() -> bool:
            live = Checkout.objects.filter(order_id=self.id_of(order)).latest("created_at")
            Checkout.objects.filter(pk=live.pk).update(deadline_at=LONG_AGO)
            is_turned_back = deadlines.expire(checkout_id=live.id, order_id=live.order_id)
            Checkout.objects.filter(pk=live.pk).update(deadline_at=now() + timedelta(days=1))
            return is_turned_back

        self.both(lambda: self.shop.expire(order), expire)

    @precondition(lambda self: self.payments(*model.TAKEN))
    @rule(
        data=st.data(),
        says=st.sampled_from(["open", "open", "won", "lost"]),
        share=st.sampled_from(["all", "part", "one", "more"]),
        number=st.integers(1, 3),
    )
    def dispute(self, data: st.DataObject, says: Any, share: str, number: int) -> None:
        """A notice: new, repeated, contrary, ending what was never opened, or naming another payment than before."""
        order, payment = data.draw(st.sampled_from(self.payments(*model.TAKEN)))
        name = f"dp_{self.user.id.hex}_{number}"
        amount = amount_of(share, payment.captured - payment.disputed) or 0
        notice = DisputeNotice(
            provider=played_provider.NAME,
            provider_dispute_id=name,
            payment_id=self.payment_id(payment),
            amount_minor=amount,
            currency="GBP",
            reason="general",
            state=DisputeState(says),
            occurred_at=now(),
        )
        self.both(
            lambda: self.shop.hear_of_dispute(order, payment, name, amount, says), lambda: disputes.record(notice)
        )

    @precondition(lambda self: any(payment.disputes for _, payment in self.payments()))
    @rule(data=st.data())
    def submit_evidence(self, data: st.DataObject) -> None:
        known = [(payment, one) for _, payment in self.payments() for one in payment.disputes]
        payment, dispute = data.draw(st.sampled_from(known))
        row = Dispute.objects.get(provider=played_provider.NAME, provider_dispute_id=dispute.name)
        self.both(
            lambda: self.shop.submit_evidence(payment, dispute),
            lambda: disputes.submit_evidence(dispute_id=row.id, evidence="a photograph") and None,
        )
