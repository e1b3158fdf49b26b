"""A gateway in memory, for tests of what is built on gateways."""

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from core.payments.gateways.protocol import GatewayRequest, GatewayResult, Outcome

UNKNOWN = GatewayResult(outcome=Outcome.UNKNOWN)
LOST_ANSWERS = frozenset(
    {
        ("tok_timeout_after_charge", "authorize"),
        ("tok_500_after_charge", "authorize"),
        ("tok_capture_timeout", "capture"),
        ("tok_capture_500", "capture"),
        ("tok_void_timeout", "void"),
        ("tok_refund_timeout", "refund"),
        ("tok_refund_500", "refund"),
    }
)
DECLINE_CODES = {
    ("tok_decline", "authorize"): "card_declined",
    ("tok_capture_decline", "capture"): "authorization_expired",
    ("tok_void_decline", "void"): "void_declined",
    ("tok_refund_decline", "refund"): "refund_declined",
}
ISSUED_TOKENS = frozenset(token for token, _ in LOST_ANSWERS | DECLINE_CODES.keys()) | {
    "tok_approve", "tok_slow", "tok_timeout_before_charge", "tok_boleto",
}  # fmt: skip


@dataclass
class FakeGateway:
    """Knows the simulator's tokens and waits for nothing.

    `moved_minor` is what was authorized, captured, voided and refunded of each payment, by (payment id, kind).
    """

    name: str = "fake"
    moved_minor: dict[tuple[UUID, str], int] = field(default_factory=lambda: defaultdict(int))
    _requests: dict[UUID, GatewayRequest] = field(default_factory=dict)
    _results: dict[UUID, GatewayResult] = field(default_factory=dict)

    def submit(self, request: GatewayRequest) -> GatewayResult:
        is_first = request.operation_id not in self._requests
        if self._requests.setdefault(request.operation_id, request) != request:
            return UNKNOWN
        known = self._results.get(request.operation_id)
        if known is not None:
            return known
        if (request.token, request.kind) == ("tok_timeout_before_charge", "authorize") and is_first:
            return UNKNOWN
        result = self._decide(request)
        self._results[request.operation_id] = result
        return UNKNOWN if (request.token, request.kind) in LOST_ANSWERS else result

    def query(self, operation_id: UUID) -> GatewayResult:
        return self._results.get(operation_id, GatewayResult(outcome=Outcome.NOT_FOUND))

    def settle(self, payment_id: UUID, *, is_paid: bool) -> None:
        """End the payment's pending operation: the customer paid, or the slip expired."""
        operation_id = self._pending_of(payment_id)
        assert operation_id is not None
        self._results[operation_id] = self._end(self._requests[operation_id], "" if is_paid else "expired")

    def _decide(self, request: GatewayRequest) -> GatewayResult:
        code = self._refusal(request) or DECLINE_CODES.get((request.token, request.kind), "")
        if (request.token, request.kind, code) == ("tok_boleto", "authorize", ""):
            return GatewayResult(outcome=Outcome.PENDING, provider_ref=_reference(request))
        return self._end(request, code)

    def _end(self, request: GatewayRequest, decline_code: str) -> GatewayResult:
        if not decline_code:
            self.moved_minor[request.payment_id, request.kind] += request.amount_minor
        return GatewayResult(
            outcome=Outcome.DECLINED if decline_code else Outcome.SUCCEEDED,
            provider_ref=_reference(request),
            decline_code=decline_code,
            amount_minor=request.amount_minor,
        )

    def _refusal(self, request: GatewayRequest) -> str:
        """The decline code when the payment does not allow the operation, or ""."""
        authorized, captured, voided, refunded = (
            self.moved_minor[request.payment_id, kind] for kind in ("authorize", "capture", "void", "refund")
        )
        if request.kind == "authorize":
            if request.token not in ISSUED_TOKENS:
                return "invalid_token"
            return "already_authorized" if authorized or self._pending_of(request.payment_id) else ""
        if not authorized:
            return "no_such_payment"
        if request.kind == "refund":
            return "amount_exceeds_capture" if request.amount_minor > captured - refunded else ""
        if voided:
            return "already_voided"
        remainder = authorized - captured
        if not remainder:
            return "already_captured"
        if request.kind == "capture":
            return "amount_exceeds_authorization" if request.amount_minor > remainder else ""
        return "amount_differs_from_remainder" if request.amount_minor != remainder else ""

    def _pending_of(self, payment_id: UUID) -> UUID | None:
        for operation_id, result in self._results.items():
            if result.outcome is Outcome.PENDING and self._requests[operation_id].payment_id == payment_id:
                return operation_id
        return None


def _reference(request: GatewayRequest) -> str:
    return f"fake_{request.operation_id.hex}"
