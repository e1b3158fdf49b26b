"""Which booking days are sealed, and the head of the chain of seals."""

from collections.abc import Collection
from datetime import date

from core.payments.models import SealedDay


def is_sealed(day: date) -> bool:
    return SealedDay.objects.filter(booking_day=day).exists()


def sealed_between(first_day: date, last_day: date) -> set[date]:
    """The sealed ones of these days, both included."""
    found = SealedDay.objects.filter(booking_day__range=(first_day, last_day))
    return set(found.values_list("booking_day", flat=True))


def sealed_among(days: Collection[date]) -> set[date]:
    """Those of `days` that are sealed."""
    return sealed_between(min(days), max(days)) & set(days) if days else set()


def seal_no_of(day: date) -> int:
    """The number of the day's seal; 0 when it has none."""
    return SealedDay.objects.filter(booking_day=day).values_list("seal_no", flat=True).first() or 0


def head() -> SealedDay | None:
    """The newest seal; None before the first."""
    return SealedDay.objects.order_by("-seal_no").first()
