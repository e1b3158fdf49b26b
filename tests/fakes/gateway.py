"""A gateway in memory, for tests of what is built on gateways."""

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from core.payments.gateways.protocol import GatewayRequest, GatewayResult, Outcome

UNKNOWN = GatewayResult(outcome=Outcome.UNKNOWN)
LOST_ANSWERS = frozenset({"tok_timeout_after_charge", "tok_500_after_charge"})
DECLINE_CODES = {"tok_decline": "card_declined"}
APPROVED = LOST_ANSWERS | {"tok_approve", "tok_slow", "tok_timeout_before_charge"}


@dataclass
class FakeGateway:
    """Knows the simulator's tokens and waits for nothing. `charged_minor` is what each payment has been charged."""

    name: str = "fake"
    charged_minor: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    _requests: dict[UUID, GatewayRequest] = field(default_factory=dict)
    _decided: dict[UUID, GatewayResult] = field(default_factory=dict)

    def submit(self, request: GatewayRequest) -> GatewayResult:
        is_first = request.operation_id not in self._requests
        if self._requests.setdefault(request.operation_id, request) != request:
            return UNKNOWN
        known = self._decided.get(request.operation_id)
        if known is not None:
            return known
        if request.token == "tok_timeout_before_charge" and is_first:
            return UNKNOWN
        result = self._decide(request)
        return UNKNOWN if request.token in LOST_ANSWERS else result

    def query(self, operation_id: UUID) -> GatewayResult:
        return self._decided.get(operation_id, GatewayResult(outcome=Outcome.NOT_FOUND))

    def _decide(self, request: GatewayRequest) -> GatewayResult:
        approved = request.token in APPROVED
        if approved:
            self.charged_minor[request.payment_id] += request.amount_minor
        result = GatewayResult(
            outcome=Outcome.SUCCEEDED if approved else Outcome.DECLINED,
            provider_ref=f"fake_{request.operation_id.hex}",
            decline_code="" if approved else DECLINE_CODES.get(request.token, "invalid_token"),
            amount_minor=request.amount_minor,
        )
        self._decided[request.operation_id] = result
        return result
