"""The adapter for a provider spoken to over HTTP."""

import os
import time
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import structlog

from core.errors import AppError
from core.payments.gateways.answers import UnusableAnswer, read_query, read_submit
from core.payments.gateways.protocol import GatewayRequest, GatewayResult, Outcome

logger = structlog.get_logger(__name__)

CONNECTIONS_MAX = 64
ANSWER_BYTES_MAX = 64 * 1024
# A day of a million movements is 200 MB and is read whole.
SETTLEMENT_BYTES_MAX = 512 * 1024 * 1024
SETTLEMENT_SECONDS_MAX = 300.0


class SettlementUnavailable(AppError):
    """The provider does not give out its settlement file; ask again later, or read one with --file."""

    code, status, retryable, retry_after_seconds = "settlement_unavailable", 503, True, 60


class HttpGateway:
    """Gateway over HTTP. Safe for threads and across forks: connections are opened on first use in each process."""

    def __init__(self, *, name: str, url: str, timeout_seconds: float) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._clients: dict[int, httpx.Client] = {}

    @property
    def name(self) -> str:
        return self._name

    def submit(self, request: GatewayRequest) -> GatewayResult:
        """See Gateway.submit. The operation id travels as the Idempotency-Key header."""
        body = {
            "payment_id": str(request.payment_id),
            "kind": request.kind,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "token": request.token,
        }
        try:
            status, content = self._exchange(
                "POST", "/v1/operations", headers={"Idempotency-Key": str(request.operation_id)}, json=body
            )
            return read_submit(request=request, status=status, content=content)
        except (httpx.HTTPError, httpx.InvalidURL, UnusableAnswer) as error:
            return self._unknown("submit", request.operation_id, error)

    def query(self, operation_id: UUID) -> GatewayResult:
        """See Gateway.query."""
        try:
            status, content = self._exchange("GET", f"/v1/operations/{operation_id}")
            return read_query(operation_id=operation_id, status=status, content=content)
        except (httpx.HTTPError, httpx.InvalidURL, UnusableAnswer) as error:
            return self._unknown("query", operation_id, error)

    def settlement_file(self, day: date) -> bytes:
        """See SettlementSource.settlement_file."""
        try:
            status, content = self._exchange(
                "GET",
                "/v1/settlement",
                bytes_max=SETTLEMENT_BYTES_MAX,
                seconds_max=SETTLEMENT_SECONDS_MAX,
                params={"day": day.isoformat()},
            )
        except (httpx.HTTPError, httpx.InvalidURL, UnusableAnswer) as error:
            raise SettlementUnavailable(f"{self._name}, {day}: {type(error).__name__}: {error}") from error
        if status != 200:
            raise SettlementUnavailable(f"{self._name}, {day}: the provider answers {status}")
        return content

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        bytes_max: int = ANSWER_BYTES_MAX,
        seconds_max: float | None = None,
        **arguments: Any,
    ) -> tuple[int, bytes]:
        """One request and its whole answer.

        httpx bounds each wait for bytes, not their sum, so the answer's length and its total time are bounded here.
        """
        deadline = time.monotonic() + (seconds_max or self._timeout_seconds)
        content = bytearray()
        with self._client().stream(method, self._url + path, **arguments) as response:
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > bytes_max:
                    raise UnusableAnswer("the answer is too long")
                if time.monotonic() > deadline:
                    raise UnusableAnswer("the answer came too slowly")
        return response.status_code, bytes(content)

    def _client(self) -> httpx.Client:
        """This process's client. A fork inherits open sockets, so a child must never use its parent's."""
        client = self._clients.get(os.getpid())
        if client is not None:
            return client
        made = httpx.Client(
            timeout=self._timeout_seconds,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX),
            # Compressed, a short answer could unfold to any length.
            headers={"Accept-Encoding": "identity"},
            follow_redirects=False,
            # Proxies of the environment are for the people at the machine, not for payments.
            trust_env=False,
        )
        client = self._clients.setdefault(os.getpid(), made)
        if client is not made:
            # Another thread was first.
            made.close()
        return client

    def _unknown(self, call: str, operation_id: UUID, error: Exception) -> GatewayResult:
        logger.warning(
            "gateway.unknown_outcome",
            gateway=self._name,
            call=call,
            operation_id=str(operation_id),
            reason=f"{type(error).__name__}: {error}",
        )
        return GatewayResult(outcome=Outcome.UNKNOWN)
