"""Card numbers, which must never get in: what looks like one, and how it is masked where it could still be written.

A card number is 13 to 19 decimal digits, the first not 0, that satisfy the Luhn check. Between digits there may be one
or two spaces or dashes, and the groups these make are taken whole: a letter or digit next to a group keeps the group
out, which spares hexadecimal ids and encoded tokens. UUIDs are spared as a whole, decimal ones
too.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

DIGITS_MIN, DIGITS_MAX = 13, 19

_UUID = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
)
# \d and [^\W_] also know the digits and letters of other scripts, which a reader would take for the same number.
_GROUP = r"(?<![^\W_])\d+(?![^\W_])"
_GROUPS = re.compile(rf"{_GROUP}(?:[\s\-\u2010-\u2015]{{1,2}}{_GROUP})*")
_ONE_GROUP = re.compile(r"\d+")


def contains_card_number(text: str) -> bool:
    """Whether there is a card number in the text."""
    return next(_card_numbers(text), None) is not None


def mask(text: str) -> str:
    """The text with each card number replaced by asterisks, its last four digits kept."""
    for start, end in reversed(list(_card_numbers(text))):
        kept = "".join(_ONE_GROUP.findall(text[start:end]))[-4:]
        text = f"{text[:start]}************{kept}{text[end:]}"
    return text


def _card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand, from left to right, none over another."""
    if len(text) < DIGITS_MIN:
        return
    # Same length, so that positions stay.
    searched = _UUID.sub(lambda match: "x" * len(match[0]), text)
    for run in _GROUPS.finditer(searched):
        if len(run[0]) >= DIGITS_MIN:
            yield from _card_numbers_of_run(searched, run)


def _card_numbers_of_run(text: str, run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Of the groups that follow each other, those that make a card number together, as many as can be."""
    groups = [found.span() for found in _ONE_GROUP.finditer(text, run.start(), run.end())]
    # Digits before each group; card numbers begin and end where groups do.
    counts = list(accumulate((end - start for start, end in groups), initial=0))
    sums = _luhn_sums("".join(text[start:end] for start, end in groups))
    first = 0
    while first < len(groups):
        begin = counts[first]
        last = bisect_right(counts, begin + DIGITS_MAX) - 1 if int(text[groups[first][0]]) else first
        while counts[last] - begin >= DIGITS_MIN:
            end = counts[last]
            if (sums[end % 2][end] - sums[end % 2][begin]) % 10 == 0:
                yield groups[first][0], groups[last - 1][1]
                first = last - 1
                break
            last -= 1
        first += 1


def _luhn_sums(digits: str) -> tuple[list[int], list[int]]:
    """Running sums in which every second digit counts doubled: the first list for numbers that end before an even
    position, the second for the others, so that any part of the digits is checked by one subtraction.
    """
    plain = [int(digit) for digit in digits]
    doubled = [value * 2 - 9 if value > 4 else value * 2 for value in plain]
    even_end = [doubled[i] if i % 2 == 0 else plain[i] for i in range(len(plain))]
    odd_end = [plain[i] if i % 2 == 0 else doubled[i] for i in range(len(plain))]
    return list(accumulate(even_end, initial=0)), list(accumulate(odd_end, initial=0))
