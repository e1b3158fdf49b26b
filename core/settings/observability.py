"""Logs, one JSON object a line, on standard output (manage.py sends them to standard error); and who reads metrics."""

from typing import Any

import structlog

from core.card_numbers import contains_card_number, mask
from core.env import env

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_STREAM = env.str("LOG_STREAM", default="stdout")
# Whoever scrapes /metrics sends it as a bearer token; without it there is no such address.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")


def mask_card_numbers(logger: Any, method: str, event: Any) -> dict[str, Any]:
    """The last processor before rendering: should a card number ever get as far as a log line, it is masked there."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {_masked(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    if isinstance(value, float):
        return value
    # Whatever else it is, the renderer would write its text.
    text = value if isinstance(value, str) else repr(value)
    return mask(text) if contains_card_number(text) else value


_shared: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]

structlog.configure(
    processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                mask_card_numbers,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": _shared,
        }
    },
    "handlers": {
        "stdout": {"class": "logging.StreamHandler", "stream": f"ext://sys.{LOG_STREAM}", "formatter": "json"}
    },
    "root": {"handlers": ["stdout"], "level": LOG_LEVEL},
    "loggers": {
        "cassandra": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "django.server": {"handlers": ["stdout"], "propagate": False},
    },
}
