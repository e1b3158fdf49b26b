"""What tests and the tour make happen at the provider: the paths below /v1/control/, which no real provider has."""

from simulators.answers import answer_of
from simulators.operation_log import Record
from simulators.operation_request import parse_amount, parse_object, parse_text, parse_uuid
from simulators.outage import Outage
from simulators.provider import Provider
from simulators.refusals import BadRequest, NoSuchPath

OUTAGE_SECONDS_MAX = 3600
REASON_CHARACTERS_MAX = 64
ENDS_OF_DISPUTES = ("won", "lost")


class Control:
    """Carries out orders: boletos, disputes, outages."""

    def __init__(self, *, provider: Provider, outage: Outage) -> None:
        self._provider = provider
        self._outage = outage

    def carry_out(self, *, path: str, body: bytes) -> Record:
        """Do what was posted to /v1/control/{path} and return what came of it. Raises a Refusal."""
        fields = parse_object(body)
        match path.split("/"):
            case ["boleto"]:
                return self._end_boleto(fields)
            case ["disputes"]:
                return self._open_dispute(fields)
            case ["disputes", dispute_id]:
                return self._end_dispute(dispute_id, fields)
            case ["outages"]:
                return self._begin_outage(fields)
            case _:
                raise NoSuchPath(path)

    def _end_boleto(self, fields: Record) -> Record:
        """{"payment_id", "paid"}: the customer paid the slip, or it expired."""
        payment_id = parse_uuid("payment_id", fields.get("payment_id"))
        is_paid = _flag("paid", fields.get("paid"))
        return answer_of(self._provider.end_pending(payment_id=payment_id, is_paid=is_paid))

    def _open_dispute(self, fields: Record) -> Record:
        """{"payment_id", "amount_minor", "reason"}: the customer asks their bank for the money back."""
        dispute = self._provider.open_dispute(
            payment_id=parse_uuid("payment_id", fields.get("payment_id")),
            amount_minor=parse_amount(fields.get("amount_minor")),
            reason=parse_text("reason", fields.get("reason"), REASON_CHARACTERS_MAX),
        )
        return answer_of(dispute)

    def _end_dispute(self, dispute_id: str, fields: Record) -> Record:
        """{"status"}: how the bank decided."""
        status = fields.get("status")
        if status not in ENDS_OF_DISPUTES:
            raise BadRequest(f"status is not one of {', '.join(ENDS_OF_DISPUTES)}")
        return answer_of(self._provider.end_dispute(dispute_id=dispute_id, status=status))

    def _begin_outage(self, fields: Record) -> Record:
        """{"seconds", "drop"}: answer nobody for so long, with 503 or (`drop`, false when left out) not at all."""
        seconds = fields.get("seconds")
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= OUTAGE_SECONDS_MAX:
            raise BadRequest(f"seconds is not a number from 0 to {OUTAGE_SECONDS_MAX}")
        drops = _flag("drop", fields.get("drop", False))
        self._outage.begin(seconds=seconds, drops=drops)
        return {"seconds": seconds, "drop": drops}


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadRequest(f"{name} is not true or false")
    return value
