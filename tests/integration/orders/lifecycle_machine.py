"""A machine that does to real orders and to their model whatever buyers, merchants and providers can do, in any order.

After every step the database must say what the model says: see tests/properties/shop_model.py and payment_model.py.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from core.accounts.models import User
from core.catalog.models import Product
from core.catalog.services.products import add_product
from core.clock import now
from core.errors import AppError
from core.ids import new_id
from core.money import Money
from core.orders.domain.checkout_state import CaptureMethod
from core.orders.models import Checkout, Order
from core.orders.services import (
    cancellations,
    checkout,
    deadlines,
    disputes,
    payment_actions,
    payment_outcomes,
    shipping,
)
from core.orders.services.disputes import DisputeNotice
from core.orders.services.drafts import LineRequest, create_draft
from core.orders.services.instruments import Instrument
from core.payments.domain.dispute_state import DisputeState
from core.payments.domain.payment_state import PaymentType
from core.payments.gateways.protocol import GatewayResult, Outcome
from core.payments.models import Dispute, Payment, PaymentEvent, PaymentOperation, Voucher, Wallet
from core.payments.services import operations, recording, vouchers, wallets
from tests import played_provider
from tests.properties import payment_model as model
from tests.properties import shop_model

PRICE, STOCK, WALLET, VOUCHERS = 50, 12, 900, (300, 120)
ORDERS_MAX = 4
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ANSWERS: list[model.Says] = ["succeeded", "succeeded", "declined", "unknown", "pending", "not_found", "other_amount"]
SETTLING: list[model.Says] = ["succeeded", "declined"]


@dataclass(frozen=True)
class Rows:
    """All that the database has of one user's payments, the oldest first."""

    payments: list[Payment]
    operations: dict[UUID, list[PaymentOperation]]
    disputes: dict[UUID, list[Dispute]]
    events: dict[UUID, list[PaymentEvent]]

    @classmethod
    def of(cls, user: User) -> "Rows":
        payments = list(Payment.objects.filter(user=user).select_related("voucher").order_by("created_at", "id"))
        ids = [payment.id for payment in payments]
        found = cls(payments, defaultdict(list), defaultdict(list), defaultdict(list))
        for operation in PaymentOperation.objects.filter(payment_id__in=ids).order_by("created_at", "id"):
            found.operations[operation.payment_id].append(operation)
        for dispute in Dispute.objects.filter(payment_id__in=ids).order_by("id"):
            found.disputes[dispute.payment_id].append(dispute)
        for event in PaymentEvent.objects.filter(payment_id__in=ids).order_by("seq"):
            found.events[event.payment_id].append(event)
        return found

    def seen_payment(self, payment_id: UUID) -> dict[str, Any]:
        """What the model must say of it. Its history must be dense and add up to its row."""
        row = next(payment for payment in self.payments if payment.id == payment_id)
        history = self.events[payment_id]
        events = [(_short(event.event_type), event.amount_minor) for event in history]
        assert [event.seq for event in history] == list(range(1, row.seq + 1))
        totals = (row.authorized_minor, row.captured_minor, row.refunded_minor, row.disputed_minor)
        assert model.fold(events) == totals
        operations = self.operations[payment_id]
        return {
            "state": row.state,
            "totals": totals,
            "pending": (row.pending_capture_minor, row.pending_refund_minor),
            "events": events,
            "operations": [(one.kind, one.amount_minor, one.state, one.attention) for one in operations],
            "disputes": [(one.amount_minor, one.state) for one in self.disputes[payment_id]],
        }

    def accounts(self) -> dict[str, int]:
        """The balance of every account that is not zero. Each event's postings must sum to zero, and so must all."""
        totals: dict[str, int] = defaultdict(int)
        for history in self.events.values():
            for event in history:
                assert sum(event.postings.values()) == 0, event.postings
                for account, amount in event.postings.items():
                    totals[account] += amount
        assert sum(totals.values()) == 0
        return {account: total for account, total in totals.items() if total}


class Lifecycle(RuleBasedStateMachine):
    """One buyer with a wallet and two vouchers, one product, up to four orders of it."""

    # A control that breaks the code under test leaves nothing of it in the books.
    is_rolled_back = False

    @initialize()
    def open_shop(self) -> None:
        if self.is_rolled_back:
            self.transaction = transaction.atomic()
            self.transaction.__enter__()
        self.user = User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!")
        wallets.open_wallet(user_id=self.user.id, currency="GBP")
        wallets.deposit(user_id=self.user.id, amount=Money(WALLET, "GBP"), provider=played_provider.NAME)
        self.product: Product = add_product(
            sku=f"test-{uuid.uuid4().hex[:12]}", name="Test", price=Money(PRICE, "GBP"), opening_stock=STOCK
        )
        self.vouchers = [self.issue_voucher(number, minor) for number, minor in enumerate(VOUCHERS)]
        self.shop = shop_model.Shop(
            wallet=model.Purse(WALLET),
            vouchers={one.code: model.Purse(one.issued_minor) for one in self.vouchers},
            stock=STOCK,
            price=PRICE,
        )
        self.order_ids: list[UUID] = []
        self.payment_ids: dict[int, UUID] = {}
        self.tokens = 0

    def issue_voucher(self, number: int, amount_minor: int) -> Voucher:
        """Random codes would put the same vouchers in another order each time an example is played again."""
        voucher = vouchers.issue(amount=Money(amount_minor, "GBP"), issued_by=self.user.id)
        voucher.code = f"{number}{voucher.code[1:]}"
        voucher.save(update_fields=["code"])
        return voucher

    # --- buyers

    @precondition(lambda self: len(self.shop.orders) < ORDERS_MAX)
    @rule(pieces=st.integers(1, 8))
    def draft(self, pieces: int) -> None:
        self.shop.draft(pieces)
        order = create_draft(user_id=self.user.id, lines=[LineRequest(self.product.id, pieces)])
        self.order_ids.append(order.id)

    @precondition(lambda self: self.shop.orders)
    @rule(data=st.data())
    def pay_by_wallet(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.shop.orders))
        self.both(
            lambda: self.shop.pay_by_wallet(order),
            lambda: self.check_out_by_wallet(order),
        )

    @precondition(lambda self: any(order.status == "draft" for order in self.shop.orders))
    @rule(data=st.data(), is_manual=st.booleans(), surplus=st.sampled_from([0] * 9 + [1]))
    def begin(self, data: st.DataObject, is_manual: bool, surplus: int) -> None:
        order = data.draw(st.sampled_from([order for order in self.shop.orders if order.status == "draft"]))
        self.begin_by(order, self.draw_sources(data, order.total + surplus), is_manual=is_manual)

    def begin_by(self, order: shop_model.Order, sources: list[model.Source], *, is_manual: bool = False) -> None:
        method = CaptureMethod.MANUAL if is_manual else CaptureMethod.AUTOMATIC
        instruments = [
            Instrument(
                PaymentType(one.method),
                one.amount,
                token=one.name if one.method in ("card", "boleto") else "",
                code=one.name if one.method == "voucher" else "",
            )
            for one in sources
        ]
        self.both(
            lambda: self.shop.begin(order, sources, is_manual=is_manual),
            lambda: checkout.begin(
                order_id=self.id_of(order), user_id=self.user.id, instruments=instruments, capture_method=method
            ),
        )

    @precondition(lambda self: self.shop.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.shop.orders))
        self.both(lambda: self.shop.cancel(order), lambda: cancellations.cancel(order_id=self.id_of(order)))

    # --- merchants

    @precondition(lambda self: self.payments())
    @rule(data=st.data(), share=st.sampled_from([None, "all", "part", "part", "one", "more"]), is_final=st.booleans())
    def capture(self, data: st.DataObject, share: str | None, is_final: bool) -> None:
        order, payment = data.draw(st.sampled_from(self.payments(*model.HELD)))
        left = payment.authorized - payment.captured - payment.pending("capture")
        amount = _amount(share, left)
        self.both(
            lambda: self.shop.capture(order, payment, amount, is_final=is_final),
            lambda: payment_actions.capture(
                payment_id=self.payment_id(payment), amount_minor=amount, is_final=is_final
            ),
        )

    @precondition(lambda self: self.payments())
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        order, payment = data.draw(st.sampled_from(self.payments(*model.HELD)))
        self.both(
            lambda: self.shop.void(order, payment),
            lambda: payment_actions.void(payment_id=self.payment_id(payment), reason="asked by the machine"),
        )

    @precondition(lambda self: self.payments())
    @rule(data=st.data(), share=st.sampled_from([None, "all", "part", "part", "one", "more"]))
    def refund(self, data: st.DataObject, share: str | None) -> None:
        order, payment = data.draw(st.sampled_from(self.payments(*model.TAKEN)))
        amount = _amount(share, payment.refundable)
        self.both(
            lambda: self.shop.refund(order, payment, amount),
            lambda: payment_actions.refund(payment_id=self.payment_id(payment), amount_minor=amount, reason=""),
        )

    @precondition(lambda self: any(order.payment_status == "paid" for order in self.shop.orders))
    @rule(data=st.data())
    def ship(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.shop.orders))

        def ship() -> None:
            for payment in Payment.objects.filter(order_id=self.id_of(order)):
                recording.advance(pairs=[(payment.id, seq) for seq in range(1, payment.seq + 1)])
            shipping.ship(order_id=self.id_of(order))

        self.both(lambda: self.shop.ship(order), ship)

    # --- providers, workers, and time

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
        amount = _amount(share, payment.captured - payment.disputed) or 0
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

    # --- what must hold

    @invariant()
    def database_says_what_the_model_says(self) -> None:
        if hasattr(self, "shop"):
            rows = Rows.of(self.user)
            self.pair_payments(rows)
            assert self.seen(rows) == self.expected()
            assert rows.accounts() == self.expected_accounts()

    def teardown(self) -> None:
        """Leaves nothing under way, through the same rules: the books are checked after all tests."""
        try:
            if hasattr(self, "shop") and not self.is_rolled_back:
                self.come_to_rest()
        finally:
            if self.is_rolled_back and hasattr(self, "transaction"):
                transaction.set_rollback(True)
                self.transaction.__exit__(None, None, None)

    def come_to_rest(self) -> None:
        for _ in range(100):
            if waiting := self.operations(is_open=True):
                self.hear(*waiting[0], "succeeded")
            elif unfinished := self.unfinished():
                self.repeat(*unfinished)
            else:
                break
            self.database_says_what_the_model_says()
        assert not any(order.status == "placed" or order.live for order in self.shop.orders)

    def repeat(self, order: shop_model.Order, payment: model.Payment) -> None:
        payment_id = self.payment_id(payment)
        if payment.state in model.HELD:
            self.both(
                lambda: self.shop.void(order, payment),
                lambda: payment_actions.void(payment_id=payment_id, reason="asked again"),
            )
        else:
            self.both(
                lambda: self.shop.refund(order, payment, None),
                lambda: payment_actions.refund(payment_id=payment_id, amount_minor=None, reason="asked again"),
            )

    def unfinished(self) -> tuple[shop_model.Order, model.Payment] | None:
        """What a provider refused and a person would now repeat."""
        for order, payment in self.payments():
            is_waited_for = order.live is not None or order.status == "cancelled"
            if payment.state in model.HELD and is_waited_for:
                return order, payment
            if order.status == "cancelled" and payment.refundable:
                return order, payment
        return None

    # --- how the two are told and compared

    def both(self, told: Callable[[], Any], done: Callable[[], Any]) -> None:
        """Tell the model and do it; both must agree on the answer, or on the code of the refusal."""
        assert _outcome(done, played_provider.parked()) == _outcome(told)

    def check_out_by_wallet(self, order: shop_model.Order) -> None:
        """Through the API, in this process and transaction: this checkout and its answer are one."""
        client = APIClient(
            HTTP_HOST="localhost",
            HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(self.user)}",
            HTTP_IDEMPOTENCY_KEY=uuid.uuid4().hex,
        )
        answer = client.post(f"/api/v1/orders/{self.id_of(order)}/checkout", {"method": "wallet"}, format="json")
        if answer.status_code != 200:
            raise model.Refused(json.loads(answer.content)["code"])

    def hear(
        self, order: shop_model.Order, payment: model.Payment, operation: model.Operation, says: model.Says
    ) -> None:
        row = self.row_of(payment, operation)
        result = _result(row, says)
        self.both(
            lambda: self.shop.hear(order, payment, operation, says),
            lambda: payment_outcomes.record(operation_id=row.id, result=result),
        )

    def id_of(self, order: shop_model.Order) -> UUID:
        return self.order_ids[next(at for at, one in enumerate(self.shop.orders) if one is order)]

    def payment_id(self, payment: model.Payment) -> UUID:
        return self.payment_ids[id(payment)]

    def row_of(self, payment: model.Payment, operation: model.Operation) -> PaymentOperation:
        place = next(at for at, one in enumerate(payment.operations) if one is operation)
        return self.rows_of(self.payment_id(payment))[place]

    @staticmethod
    def rows_of(payment_id: UUID) -> list[PaymentOperation]:
        return list(PaymentOperation.objects.filter(payment_id=payment_id).order_by("created_at", "id"))

    def payments(self, *preferred: str) -> list[tuple[shop_model.Order, model.Payment]]:
        """Those in one of these states; all of them when there are none."""
        known = [(order, payment) for order in self.shop.orders for payment in order.payments]
        return [pair for pair in known if pair[1].state in preferred] or known

    def operations(self, *, is_open: bool = False) -> list[tuple[shop_model.Order, model.Payment, model.Operation]]:
        return [
            (order, payment, operation)
            for order, payment in self.payments()
            for operation in payment.operations
            if payment.purse is None and (operation.is_open or not is_open)
        ]

    def draw_sources(self, data: st.DataObject, total: int) -> list[model.Source]:
        """One to four parts of the total, each from somewhere."""
        cuts = data.draw(st.lists(st.integers(1, total - 1), max_size=3, unique=True)) if total > 1 else []
        edges = [0, *sorted(cuts), total]
        free = ["wallet", *(voucher.code for voucher in self.vouchers)]
        sources = []
        for low, high in pairwise(edges):
            kind = data.draw(st.sampled_from(["card", "boleto", "stored"] if free else ["card", "boleto"]))
            name = free.pop(data.draw(st.integers(0, len(free) - 1))) if kind == "stored" else f"tok_{self.tokens}"
            self.tokens += kind != "stored"
            method = kind if kind != "stored" else ("wallet" if name == "wallet" else "voucher")
            sources.append(model.Source(method, high - low, "" if method == "wallet" else name))
        return sources

    def pair_payments(self, rows: "Rows") -> None:
        """Which row is which payment of the model: by order and instrument, the oldest first."""
        for order in self.shop.orders:
            waiting: dict[tuple[str, str], list[UUID]] = defaultdict(list)
            for row in rows.payments:
                if row.order_id == self.id_of(order):
                    waiting[row.payment_type, row.token or (row.voucher.code if row.voucher else "")].append(row.id)
            for payment in order.payments:
                same = waiting[payment.source.method, payment.source.name]
                assert same, f"no row for {payment.source}"
                self.payment_ids[id(payment)] = same.pop(0)
            assert not any(waiting.values()), "a payment the model knows nothing of"

    def seen(self, rows: "Rows") -> dict[str, Any]:
        wallet = Wallet.objects.get(user=self.user)
        self.product.refresh_from_db()
        orders = {order.id: order for order in Order.objects.filter(pk__in=self.order_ids)}
        return {
            "wallet": (wallet.balance_minor, wallet.held_minor),
            "vouchers": {
                one.code: (one.balance_minor, one.held_minor)
                for one in Voucher.objects.filter(pk__in=[voucher.id for voucher in self.vouchers])
            },
            "stock": self.product.stock,
            "orders": [
                (order.fulfilment_status, order.payment_status, order.committed_minor)
                for order in (orders[order_id] for order_id in self.order_ids)
            ],
            "payments": [rows.seen_payment(self.payment_id(payment)) for _, payment in self.payments()],
        }

    def expected(self) -> dict[str, Any]:
        for order in self.shop.orders:
            assert 0 <= order.committed <= order.total
        return {
            "wallet": (self.shop.wallet.balance, self.shop.wallet.held),
            "vouchers": {code: (purse.balance, purse.held) for code, purse in self.shop.vouchers.items()},
            "stock": self.shop.stock,
            "orders": [(order.status, order.payment_status, order.committed) for order in self.shop.orders],
            "payments": [
                {
                    "state": payment.state,
                    "totals": (payment.authorized, payment.captured, payment.refunded, payment.disputed),
                    "pending": (payment.pending("capture"), payment.pending("refund")),
                    "events": payment.events,
                    "operations": [(one.kind, one.amount, one.state, one.attention) for one in payment.operations],
                    "disputes": [(one.amount, one.state) for one in payment.disputes],
                }
                for _, payment in self.payments()
            ],
        }

    def expected_accounts(self) -> dict[str, int]:
        clearing = f"psp_clearing:{played_provider.NAME}"
        balances = model.accounts_after(
            (
                (payment.source.method, event, amount)
                for _, payment in self.payments()
                for event, amount in payment.events
            ),
            clearing=clearing,
        )
        for account, amount in {
            clearing: WALLET,
            "wallet_liability": -WALLET,
            "promotions": sum(VOUCHERS),
            "voucher_liability": -sum(VOUCHERS),
        }.items():
            balances[account] = balances.get(account, 0) + amount
        return {account: balance for account, balance in balances.items() if balance}


def _outcome(act: Callable[[], Any], context: Any = None) -> Any:
    """What it answers (of services that answer with a row: nothing), or the code it is refused with."""
    try:
        if context is None:
            answer = act()
        else:
            with context:
                answer = act()
    except (model.Refused, AppError) as refusal:
        return refusal.code
    return answer if isinstance(answer, bool) else None


def _amount(share: str | None, limit: int) -> int | None:
    return {None: None, "all": limit, "part": limit // 2, "one": 1, "more": limit + 1}[share]


def _result(row: PaymentOperation, says: model.Says) -> GatewayResult:
    if says in ("succeeded", "other_amount"):
        amount_minor = row.amount_minor + (says == "other_amount")
        return GatewayResult(Outcome.SUCCEEDED, provider_ref=f"ref_{row.id.hex[:12]}", amount_minor=amount_minor)
    if says == "declined":
        return GatewayResult(
            Outcome.DECLINED, provider_ref="ref", decline_code="card_declined", amount_minor=row.amount_minor
        )
    outcomes = {"pending": Outcome.PENDING, "unknown": Outcome.UNKNOWN, "not_found": Outcome.NOT_FOUND}
    return GatewayResult(outcomes[says], provider_ref="ref" if says == "pending" else "")


def _short(event_type: str) -> str:
    return event_type.removeprefix("payments.").removesuffix(".v1")
