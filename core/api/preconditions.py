"""ETag and If-Match (RFC 9110): change what you have seen, or learn that it has changed since.

The ETag is a digest of the document itself, so it changes with whatever is visible in it. One thing is left out: the
`ledger` parts, which say where a copy is and not what the thing is; counting them would refuse a change because a
payment was recorded meanwhile. A strong ETag all the same, because If-Match compares no other kind.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import AppError

LEFT_OUT = "ledger"
DIGEST_CHARACTERS = 32


class PreconditionFailed(AppError):
    """It has changed since you read the ETag you sent in If-Match."""

    code, status = "precondition_failed", 412


def etag_of(document: Mapping[str, Any]) -> str:
    """The ETag of a document as it is answered."""
    canonical = orjson.dumps(_counted(document), default=str, option=orjson.OPT_SORT_KEYS)
    return f'"{hashlib.sha256(canonical).hexdigest()[:DIGEST_CHARACTERS]}"'


def tagged(response: Response) -> Response:
    """The response with the ETag of its document."""
    response["ETag"] = etag_of(response.data)
    return response


def refuse_unless_match(request: Request, current: Callable[[], Mapping[str, Any]]) -> None:
    """Raise PreconditionFailed when the request has If-Match and none of its ETags is that of `current()`.

    Call it in the transaction of the change, with the row locked: otherwise it says nothing about the change.
    """
    wanted = request.headers.get("If-Match")
    if wanted is None:
        return
    # Looked at even for *: whoever is not to see it must get the answer for what is not there.
    etag = etag_of(current())
    if wanted.strip() != "*" and etag not in [part.strip() for part in wanted.split(",")]:
        raise PreconditionFailed("Read it again, decide anew, and send the new ETag under a new Idempotency-Key.")


def _counted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _counted(item) for name, item in value.items() if name != LEFT_OUT}
    if isinstance(value, list | tuple):
        return [_counted(item) for item in value]
    return value
