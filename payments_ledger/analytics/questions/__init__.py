"""The standard questions: one SQL file each over two views, `events` and `entries`, the same text for every engine.

DuckDB answers them over the day files (day_files.py), PostgreSQL over PaymentEvent (books.py); a test holds the answers
equal. The views have times in milliseconds since 1970 and amounts in minor units, so that every answer is an integer,
and a file's SQL keeps to what engines share: no division, no LIKE, ids as text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from payments_ledger.analytics.errors import AnalyticsError

_FOLDER = Path(__file__).parent
_COMPUTED = re.compile(r"^-- computed: (\w+) = (\d+) \* (\w+) / (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Computed:
    """A column worked out here from two integer columns: factor * numerator / denominator, rounded half up."""

    name: str
    factor: int
    numerator: str
    denominator: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question by name. `sql` is one SELECT over the views."""

    name: str
    title: str
    sql: str
    computed: tuple[Computed, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of integers, texts, days and nothing else; None where a rate has nothing to be a share of."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@cache
def questions() -> dict[str, Question]:
    """Every standard question by name, in alphabetical order."""
    return {path.stem: _read(path) for path in sorted(_FOLDER.glob("*.sql"))}


def question(name: str) -> Question:
    """Raises AnalyticsError, with the names there are."""
    try:
        return questions()[name]
    except KeyError:
        raise AnalyticsError(f"there is no question {name!r}; there are {', '.join(questions())}") from None


def answer_of(asked: Question, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Answer:
    """An engine's rows as an answer: wide integers as int, and with the computed columns added at the end."""
    plain = [tuple(_plain(value) for value in row) for row in rows]
    for computed in asked.computed:
        upper, lower = columns.index(computed.numerator), columns.index(computed.denominator)
        plain = [(*row, _rounded(computed.factor * row[upper], row[lower])) for row in plain]
    return Answer((*columns, *(computed.name for computed in asked.computed)), tuple(plain))


def _read(path: Path) -> Question:
    sql = path.read_text()
    computed = tuple(Computed(name, int(factor), upper, lower) for name, factor, upper, lower in _COMPUTED.findall(sql))
    title, _, _ = sql.removeprefix("-- ").partition("\n")
    return Question(path.stem, title, sql, computed)


def _plain(value: Any) -> Any:
    # PostgreSQL's sums are Decimals without a fraction.
    return int(value) if hasattr(value, "as_integer_ratio") else value


def _rounded(numerator: int, denominator: int) -> int | None:
    return (2 * numerator + denominator) // (2 * denominator) if denominator > 0 else None
