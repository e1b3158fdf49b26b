"""Checkouts through Django's test client: in this process, so that a test sees each statement and can stand between."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from django.db import connection
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken

from core.accounts.models import User


class CheckoutClient:
    """One user's requests. `statements` names what the last one sent to PostgreSQL, in order."""

    def __init__(self, user: User, *, token: str = "") -> None:
        self._client = Client(
            headers={"Authorization": f"Bearer {token or AccessToken.for_user(user)}", "Host": "localhost"},
            raise_request_exception=False,
        )
        self.statements: list[str] = []

    def checkout(self, order_id: str, *, key: str | None = None, **body: Any) -> Any:
        self.statements = []
        with watched(self.statements):
            return self._client.post(
                f"/api/v1/orders/{order_id}/checkout",
                data=body or {"method": "wallet"},
                content_type="application/json",
                headers={"Idempotency-Key": key or uuid.uuid4().hex},
            )

    def read(self, order_id: str) -> Any:
        return self._client.get(f"/api/v1/orders/{order_id}")


@contextmanager
def watched(names: list[str]) -> Iterator[None]:
    """Append each message that this thread sends: the first words of its statements, BEGIN and COMMIT included."""
    connection.force_debug_cursor = True
    connection.ensure_connection()
    connection.queries_log.clear()
    try:
        yield
    finally:
        names += [_named(query["sql"]) for query in connection.queries_log]
        connection.force_debug_cursor = False


def _named(message: str) -> str:
    """`BEGIN; EXECUTE look; COMMIT`: what begins and ends the message, and two words of the statement between."""
    begin, end = message.startswith("BEGIN; "), message.endswith("; COMMIT")
    words = message.removeprefix("BEGIN; ").removesuffix("; COMMIT").split()
    return f"{'BEGIN; ' * begin}{' '.join(words[:2])}{'; COMMIT' * end}"


@contextmanager
def before_first(statement: str, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` once, just before this thread first executes the prepared statement of that name."""
    has_acted = False

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal has_acted
        if f"EXECUTE {statement}" in sql and not has_acted:
            has_acted = True
            act()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield
    assert has_acted, f"{statement} was not executed"


@contextmanager
def rival() -> Iterator[Any]:
    """A session of somebody else, in autocommit."""
    session = psycopg2.connect(**connection.get_connection_params())
    session.autocommit = True
    try:
        with session.cursor() as cursor:
            yield cursor
    finally:
        session.close()
