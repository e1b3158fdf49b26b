"""Statements that a session plans once: for a statement of many parts, planning costs more than running it."""

import re
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper

_PARAMETER = re.compile(r"%\((\w+)\)s")

# Raw connection → the names it has prepared. A connection that was replaced takes its entry along.
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class Prepared:
    """One statement with parameters written as %(name)s; a name may stand in it more than once.

    Its columns must be named, never `*`: a session refuses a planned statement whose result has changed its type.
    """

    def __init__(self, name: str, sql: str) -> None:
        self.name = name
        self.parameters = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
        numbers = {parameter: f"${number}" for number, parameter in enumerate(self.parameters, start=1)}
        body = _PARAMETER.sub(lambda match: numbers[match[1]], sql)
        # Left to choose, the server plans an array of unknown length anew each time, which costs more than it saves.
        self._prepare = f"SET plan_cache_mode = force_generic_plan; PREPARE {name} AS {body}"
        self._execute = f"EXECUTE {name} ({', '.join(['%s'] * len(self.parameters))})"

    def ready(self) -> None:
        """Prepare it in this session unless that is done. To be called before BEGIN."""
        session = connections[DEFAULT_DB_ALIAS]
        # First, because the first cursor of a request replaces a session that is gone: prepared there and remembered
        # here for the other one, the statement would be prepared twice in the same session, which it refuses.
        session.close_if_health_check_failed()
        session.ensure_connection()
        names = _known.setdefault(session.connection, set())
        if self.name not in names:
            with session.cursor() as cursor:
                cursor.execute(self._prepare)
            names.add(self.name)

    def execute(self, cursor: CursorWrapper, values: Mapping[str, Any], *, template: str = "{}") -> None:
        """Run it on the cursor, in a session where it is ready. Raises KeyError when a parameter has no value.

        `template` names what else the message says: `BEGIN; {}`. Of several statements the last one's result counts.
        """
        cursor.execute(template.format(self._execute), [values[parameter] for parameter in self.parameters])


def array_of(values: Any) -> str:
    """An array literal of ids or integers; PostgreSQL reads it as the type the parameter has."""
    return "{" + ",".join(str(value) for value in values) + "}"
