"""Errors that reach a client. Each carries a stable code; the table of all of them is ERROR_CODES."""

from typing import Any, ClassVar

ERROR_CODES: dict[str, type["AppError"]] = {}


class AppError(Exception):
    """A refusal with a stable code, an HTTP status and a sentence saying what to do.

    The class docstring is the title a client sees. `retryable` tells a machine whether the same request may succeed
    later. `extra` holds facts that go into the problem document beside the detail.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    retryable: ClassVar[bool] = False
    retry_after_seconds: ClassVar[int | None] = None

    def __init__(self, detail: str, *, wait_seconds: int | None = None, **extra: Any) -> None:
        """`wait_seconds` is this refusal's own Retry-After; without it the class says how long."""
        super().__init__(detail)
        self.detail = detail
        self.wait_seconds = self.retry_after_seconds if wait_seconds is None else wait_seconds
        self.extra = extra

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        other = ERROR_CODES.setdefault(cls.code, cls)
        if other is not cls:
            raise TypeError(f"error code {cls.code!r} is claimed by both {other.__name__} and {cls.__name__}")

    @property
    def title(self) -> str:
        return (type(self).__doc__ or self.code).strip().split("\n")[0]


class NotFound(AppError):
    """Nothing with this id is visible to you."""

    code, status = "not_found", 404


class Conflict(AppError):
    """The current state does not allow this."""

    code, status = "conflict", 409


class Busy(AppError):
    """The database kept refusing because of concurrent work; try again."""

    code, status, retryable, retry_after_seconds = "busy", 503, True, 1


class DatabaseUnavailable(AppError):
    """The database cannot take writes right now; nothing was done."""

    code, status, retryable, retry_after_seconds = "database_unavailable", 503, True, 2
