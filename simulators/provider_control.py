"""What tests and the tour make happen at the provider: the paths below /v1/control/, which no real provider has."""

from simulators.operation_log import Record
from simulators.operation_request import BadRequest, parse_object, parse_uuid
from simulators.provider import Provider


class NoSuchControl(Exception):
    """There is no such path below /v1/control/."""


def control(*, provider: Provider, path: str, body: bytes) -> Record:
    """Carry out what was posted to /v1/control/{path} and return what came of it.

    Raises NoSuchControl, BadRequest, or the provider's own refusal.
    """
    fields = parse_object(body)
    if path == "boleto":
        return _end_boleto(provider, fields)
    raise NoSuchControl(path)


def _end_boleto(provider: Provider, fields: Record) -> Record:
    """{"payment_id", "paid"}: the customer paid the slip, or it expired."""
    is_paid = fields.get("paid")
    if not isinstance(is_paid, bool):
        raise BadRequest("paid is not true or false")
    return provider.end_pending(payment_id=parse_uuid("payment_id", fields.get("payment_id")), is_paid=is_paid)
