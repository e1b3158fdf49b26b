"""Pages by cursor: `{data, next, previous, has_more}`, newest first unless the rows come in an order, 100 at most."""

from typing import Any

from django.core.exceptions import ValidationError as UnreadableValue
from django.db import DataError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination, _positive_int
from rest_framework.request import Request
from rest_framework.response import Response

PAGE_ROWS_DEFAULT = 20
PAGE_ROWS_MAX = 100


class Pages(CursorPagination):
    """Stable while rows are added. A limit over PAGE_ROWS_MAX gives PAGE_ROWS_MAX; one that is no number is refused."""

    ordering = "-created_at"
    page_size = PAGE_ROWS_DEFAULT
    page_size_query_param = "limit"
    max_page_size = PAGE_ROWS_MAX

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """The order of the rows as the selector gave them, else newest first."""
        return tuple(str(field) for field in queryset.query.order_by) or (self.ordering,)

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param, str(PAGE_ROWS_DEFAULT))
        try:
            return _positive_int(text, strict=True, cutoff=PAGE_ROWS_MAX)
        except ValueError:
            raise ValidationError({"limit": f"A whole number from 1 to {PAGE_ROWS_MAX}."}) from None

    def decode_cursor(self, request: Request) -> Cursor | None:
        try:
            return super().decode_cursor(request)
        except NotFound:
            raise cursor_refused() from None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any | None = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (UnreadableValue, ValueError, OverflowError, DataError):
            # A cursor holds the value of a column; a made-up one may hold anything.
            raise cursor_refused() from None

    def get_paginated_response(self, data: Any) -> Response:
        following = self.get_next_link()
        return Response(
            {
                "data": data,
                "next": following,
                "previous": self.get_previous_link(),
                "has_more": following is not None,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["data", "next", "previous", "has_more"],
            "properties": {
                "data": schema,
                "next": link,
                "previous": link,
                "has_more": {"type": "boolean"},
            },
        }


def cursor_refused() -> ValidationError:
    """What to answer to a cursor that nobody gave out."""
    return ValidationError({"cursor": "Take it from `next` or `previous` of another page, unchanged."})
