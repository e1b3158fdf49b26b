"""Pages over rows in Cassandra, in the shape of every other list; a cursor is the place of a payment."""

import base64
import binascii
import re
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from core.api.pagination import Pages, cursor_refused
from payments_ledger.selectors.my_payments import ListedPayment, Position, UserPayments

# Before the year 10000, which no time in Python or JSON reaches.
_CURSOR = re.compile(r"(next|back):([0-9]{1,15}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_CREATED_MS_MAX = 253_402_300_799_999


class PaymentPages(Pages):
    """Stable while payments are added: a cursor names the payment after or before which a page begins."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any | None = None) -> list[Any] | None:
        """One page of a UserPayments, which stands in for the query set. Raises LedgerUnavailable."""
        payments: UserPayments = queryset
        limit, self._address = self.get_page_size(request), request.build_absolute_uri()
        is_back, beside = _decoded(request.query_params.get(self.cursor_query_param))
        # One more than asked for tells whether there are any beyond the page.
        rows = payments.rows(limit=limit + 1, beside=beside, is_back=is_back)
        is_more = len(rows) > limit
        page = (rows[-limit:] if is_back else rows[:limit]) if is_more else rows
        self._next = page[-1] if page and (is_more or is_back) else None
        self._previous = page[0] if page and (is_more if is_back else beside is not None) else None
        return page

    def get_next_link(self) -> str | None:
        return self._link("next", self._next)

    def get_previous_link(self) -> str | None:
        return self._link("back", self._previous)

    def _link(self, direction: str, payment: ListedPayment | None) -> str | None:
        if payment is None:
            return None
        place = payment.position
        text = f"{direction}:{place.created_ms}:{place.payment_id}"
        encoded = base64.urlsafe_b64encode(text.encode()).decode()
        return replace_query_param(self._address, self.cursor_query_param, encoded)


def _decoded(cursor: str | None) -> tuple[bool, Position | None]:
    """Whether the cursor leads back, and its place. Raises ValidationError."""
    if cursor is None:
        return False, None
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(cursor.encode()).decode())
    except (binascii.Error, ValueError):
        found = None
    if found is None or int(found[2]) > _CREATED_MS_MAX:
        raise cursor_refused()
    return found[1] == "back", Position(int(found[2]), UUID(found[3]))
