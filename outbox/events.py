"""The registry of event types and the one canonical form of their bodies.

An event is a fact that happened: a frozen dataclass, registered under a type such as
`payments.payment.captured.v1`. The major version lives in the type and nowhere else.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from outbox.errors import DuplicateEventType, InvalidEventType, NotCanonical, NotFrozenDataclass, UnregisteredEvent

EventClass = TypeVar("EventClass", bound=type)

_TYPE_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.v[1-9][0-9]*")


@dataclasses.dataclass(frozen=True, slots=True)
class EventType:
    name: str
    aggregate_type: str
    event_class: type


class Registry:
    """Event types by name and by class; a mistake is raised while the module with the mistake is imported."""

    def __init__(self) -> None:
        self._by_name: dict[str, EventType] = {}
        self._by_class: dict[type, EventType] = {}

    def add(self, registered: EventType) -> None:
        known = self._by_name.get(registered.name)
        if known is not None and known.event_class is not registered.event_class:
            raise DuplicateEventType(type=registered.name, first=known.event_class, second=registered.event_class)
        self._by_name[registered.name] = registered
        self._by_class[registered.event_class] = registered

    def of(self, event: object) -> EventType:
        try:
            return self._by_class[type(event)]
        except KeyError:
            raise UnregisteredEvent(event_class=type(event).__qualname__) from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> EventType:
        return self._by_name[name]

    def __iter__(self) -> Iterator[EventType]:
        return iter(sorted(self._by_name.values(), key=lambda registered: registered.name))


registry = Registry()


def event(name: str, *, aggregate_type: str) -> Callable[[EventClass], EventClass]:
    """Register a frozen dataclass as the body of events of this type.

    Raises InvalidEventType, NotFrozenDataclass or DuplicateEventType at import.
    """
    # An event may be about a child of the aggregate (payments.refund.succeeded.v1), so only the context must agree.
    if not _TYPE_NAME.fullmatch(name) or name.split(".")[0] != aggregate_type.split(".")[0]:
        raise InvalidEventType(type=name, aggregate_type=aggregate_type)

    def register(event_class: EventClass) -> EventClass:
        parameters = getattr(event_class, "__dataclass_params__", None)
        if parameters is None or not parameters.frozen:
            raise NotFrozenDataclass(type=name, event_class=event_class.__qualname__)
        registry.add(EventType(name=name, aggregate_type=aggregate_type, event_class=event_class))
        return event_class

    return register


def type_of(event: object) -> str:
    """The registered type name of an event; raises UnregisteredEvent."""
    return registry.of(event).name


def encode(event: object) -> bytes:
    """The canonical body: UTF-8 JSON, keys sorted, no spaces, integers only, times in UTC with microseconds.

    Equal events give equal bytes, so a body can be hashed and compared across stores. Takes a dataclass or a mapping.
    Raises NotCanonical for floats, decimals, naive datetimes, keys that are not text, and text that is not UTF-8.
    """
    if not (isinstance(event, Mapping) or dataclasses.is_dataclass(event)):
        raise NotCanonical(path="$", value_type=type(event).__name__)
    try:
        return _CANONICAL.encode(_plain(event, "$")).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical(path="$", problem=str(error)) from error


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
# Most values by far; exactly these types, because a member of an Enum may be text as well.
_PLAIN_TYPES = frozenset({str, int, bool, type(None)})


def decode(body: bytes) -> dict[str, Any]:
    """The plain values of a body; UUIDs and times stay text."""
    decoded: dict[str, Any] = json.loads(body)
    return decoded


def _plain(value: Any, path: str) -> Any:
    if type(value) in _PLAIN_TYPES:
        return value
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return _utc_text(value, path)
    if isinstance(value, date):
        return value.isoformat()
    return _plain_container(value, path)


def _plain_container(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise NotCanonical(path=path, problem="a key is not text")
        return {str(name): _plain_field(item, path, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain_field(getattr(value, name), path, name) for name in _field_names(type(value))}
    raise NotCanonical(path=path, value_type=type(value).__name__)


def _plain_field(value: Any, path: str, name: str) -> Any:
    # Most fields are plain already, and for them the path, which only errors show, need not be put together.
    return value if type(value) in _PLAIN_TYPES else _plain(value, f"{path}.{name}")


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _utc_text(moment: datetime, path: str) -> str:
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise NotCanonical(path=path, problem="naive datetime")
    # isoformat and not strftime: %Y does not pad years before 1000 on every platform.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
