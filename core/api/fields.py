"""Fields more than one endpoint uses."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from core.money import EXPONENTS


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer: "1", 1.0 and true are refused, so that what is stored is what was sent."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class TextField(serializers.CharField):
    """A JSON string: 7 is refused where the parent would store "7"."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class OneOfField(serializers.ChoiceField):
    """One of some texts; a refusal names them all."""

    def __init__(self, choices: Iterable[str], **kwargs: Any) -> None:
        allowed = [str(choice) for choice in choices]
        super().__init__(choices=allowed, **kwargs)
        self.error_messages["invalid_choice"] = f"One of {', '.join(allowed)}."


class CurrencyField(OneOfField):
    """An ISO 4217 code among those this installation knows."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(sorted(EXPONENTS), **kwargs)


class AmountSerializer(serializers.Serializer[Any]):
    """Money on the wire: integer minor units and currency."""

    amount_minor = StrictIntegerField()
    currency = CurrencyField()


def amount(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}
