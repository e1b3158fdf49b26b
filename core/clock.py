"""Time, behind one function, so that a test can put another clock in its place."""

from collections.abc import Callable
from datetime import UTC, datetime


def _system_now() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system_now


def now() -> datetime:
    """The current moment, aware, in UTC, with microseconds.

    For deadlines and labels. The booking time of money comes from the PostgreSQL primary, never from here.
    """
    return _source()


def set_source(source: Callable[[], datetime] | None) -> None:
    """Replace the clock; None brings the system's back. For tests."""
    global _source
    _source = source or _system_now
