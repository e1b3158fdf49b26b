"""Pages by cursor: `{data, next, previous, has_more}`, newest first, at most 100 a page."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response


class Pages(CursorPagination):
    """Ordered by creation, newest first; stable while rows are added."""

    ordering = "-created_at"
    page_size = 20
    page_size_query_param = "limit"
    max_page_size = 100

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
