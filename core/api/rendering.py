"""JSON out."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


def rendered(data: Any) -> bytes:
    """The bytes of an answer. Times end in Z, as REST framework writes them."""
    return orjson.dumps(data, default=str, option=orjson.OPT_UTC_Z)


class Renderer(BaseRenderer):
    """UTF-8 JSON; problem documents keep their own media type through the response's content_type."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else rendered(data)
