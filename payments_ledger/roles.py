"""Who may do what in Cassandra: makes the ledger's roles and their grants. Repeating it changes nothing.

Writer and reader have the whole keyspace, so that a table a migration adds needs no second step; what an analyst may
see is a list. MODIFY covers INSERT, UPDATE, DELETE and TRUNCATE alike: that the record was not changed cannot be
enforced by a grant, it is detected by `ledger verify`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from cassandra import AuthenticationFailed
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import NoHostAvailable, Session
from django.conf import settings

from payments_ledger.cluster import LOOKUP, address, new_cluster, unavailable_when_away
from payments_ledger.errors import LedgerUnavailable

# Without a person or a provider's reference in them, or with these masked. Everything else is closed to analysts.
ANALYST_TABLES = ("events_by_day", "daily_totals", "ledger_seals", "ledger_calendar")
# What may be masked for whoever lacks UNMASK: a person, the provider's name for a payment, a body that holds both.
MASKED_COLUMNS = frozenset({"user_id", "provider_ref", "body"})

# The first superuser appears some time after the first start, and signs in with its own name until that is changed.
WELL_KNOWN_PASSWORD = "cassandra"
FIRST_START_SECONDS_MAX = 30.0
RETRY_SECONDS = 0.2
STATEMENT_TIMEOUT_SECONDS = 30.0

logger = structlog.get_logger(__name__)


def can_administer() -> bool:
    """Whether the settings hold the administrator's password, which only `ledger migrate` is given."""
    return bool(settings.LEDGER["ADMIN_PASSWORD"])


def ensure() -> None:
    """Make the roles and give each the password of the settings; the administrator's own is changed if well-known.

    A role without a password in the settings is left as it is. Raises LedgerUnavailable, also when no password of the
    administrator is right.
    """
    keyspace, users = settings.LEDGER["KEYSPACE"], settings.LEDGER["USERS"]
    with _administrator() as opened:
        known = {row["role"] for row in _run(opened, "LIST ROLES")}
        passwords = {users[role]: password for role, password in settings.LEDGER["PASSWORDS"].items() if password}
        for user in passwords.keys() - known:
            _run(opened, f"CREATE ROLE IF NOT EXISTS {user} WITH LOGIN = true AND PASSWORD = %s", passwords[user])
        # Before anybody signs in: what a role may not do is remembered by the server for two seconds.
        _run(opened, f"GRANT CREATE ON ALL KEYSPACES TO {users['owner']}")
        if keyspace in opened.cluster.metadata.keyspaces:
            # Whoever makes a keyspace owns it; this one may be older than the roles.
            _run(opened, f"GRANT ALL PERMISSIONS ON KEYSPACE {keyspace} TO {users['owner']}")
        for user in passwords.keys() & known:
            # Only where it differs: the server refuses to change a password twice within five seconds.
            if not _signs_in(user, passwords[user]):
                _run(opened, f"ALTER ROLE {user} WITH PASSWORD = %s", passwords[user])


def grant(opened: Session, *, keyspace: str) -> None:
    """Give every role its rights in `keyspace`, as its owner; nothing on a server that knows no roles."""
    users = settings.LEDGER["USERS"]
    if not settings.LEDGER["PASSWORDS"]["owner"]:
        return
    for permission in ("SELECT", "MODIFY", "UNMASK"):
        _run(opened, f"GRANT {permission} ON KEYSPACE {keyspace} TO {users['writer']}")
    for permission in ("SELECT", "UNMASK"):
        _run(opened, f"GRANT {permission} ON KEYSPACE {keyspace} TO {users['reader']}")
    for table in ANALYST_TABLES:
        # A migration may be run up to an earlier point, in a test or while it is being written.
        if table in opened.cluster.metadata.keyspaces[keyspace].tables:
            _run(opened, f"GRANT SELECT ON TABLE {keyspace}.{table} TO {users['analyst']}")


def grant_like(opened: Session, *, keyspace: str, table: str, side: str) -> None:
    """Open `side` to analysts when they may read `table`, as its owner; the other roles have the whole keyspace."""
    is_open = any(table == known or table.startswith(f"{known}_") for known in ANALYST_TABLES)
    if is_open and settings.LEDGER["PASSWORDS"]["owner"]:
        _run(opened, f"GRANT SELECT ON TABLE {keyspace}.{side} TO {settings.LEDGER['USERS']['analyst']}")


@contextmanager
def _administrator() -> Iterator[Session]:
    opened = _sign_in()
    try:
        yield opened
    finally:
        opened.cluster.shutdown()


def _sign_in() -> Session:
    """A session of the administrator, whose password is the one of the settings from here on."""
    user, password = settings.LEDGER["ADMIN_USER"], settings.LEDGER["ADMIN_PASSWORD"]
    deadline = time.monotonic() + FIRST_START_SECONDS_MAX
    while True:
        for known in (password, WELL_KNOWN_PASSWORD):
            opened = _session_of(user, known)
            if opened is None:
                continue
            if known != password:
                _run(opened, f"ALTER ROLE {user} WITH PASSWORD = %s", password)
                logger.info("ledger_administrator_secured", role=user)
            return opened
        if time.monotonic() > deadline:
            raise LedgerUnavailable(
                f"Cassandra at {address()} refuses {user}, with CASSANDRA_ADMIN_PASSWORD and the well-known password"
            )
        time.sleep(RETRY_SECONDS)


def _session_of(user: str, password: str) -> Session | None:
    """Signed in with this password, or None when the server answered and refused it."""
    cluster = new_cluster(auth=PlainTextAuthProvider(user, password))
    try:
        with unavailable_when_away():
            return cluster.connect()
    except LedgerUnavailable as error:
        cluster.shutdown()
        if not _is_refused(error.__cause__):
            raise
        return None


def _signs_in(user: str, password: str) -> bool:
    opened = _session_of(user, password)
    if opened is not None:
        opened.cluster.shutdown()
    return opened is not None


def _is_refused(error: BaseException | None) -> bool:
    """Whether the server answered, and did not let us in."""
    causes = error.errors.values() if isinstance(error, NoHostAvailable) and isinstance(error.errors, dict) else [error]
    return any(isinstance(cause, AuthenticationFailed) for cause in causes)


def _run(opened: Session, statement: str, *parameters: str) -> list[dict[str, Any]]:
    with unavailable_when_away():
        rows = opened.execute(
            statement, parameters or None, execution_profile=LOOKUP, timeout=STATEMENT_TIMEOUT_SECONDS
        )
        return list(rows)
