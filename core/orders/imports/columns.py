"""The eight columns of an order file, and the spellings they go by."""

from collections.abc import Sequence

from core.orders.imports.errors import UnusableFile

COLUMNS = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country")

OTHER_SPELLINGS = {"InvoiceNo": "Invoice", "UnitPrice": "Price"}


def positions_of(header: Sequence[str]) -> tuple[int, ...]:
    """Where each of COLUMNS stands in the header; case, blanks and underscores do not matter, other columns neither.

    Raises UnusableFile naming every column that is missing, or one that is there twice.
    """
    known = {_plain(name): name for name in COLUMNS}
    known |= {_plain(spelling): name for spelling, name in OTHER_SPELLINGS.items()}
    found: dict[str, int] = {}
    for position, heading in enumerate(header):
        name = known.get(_plain(heading))
        if name in found:
            raise UnusableFile(f"two columns are both {name}: {header[found[name]]!r} and {heading!r}")
        if name is not None:
            found[name] = position
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise UnusableFile(f"missing columns: {', '.join(missing)}")
    return tuple(found[name] for name in COLUMNS)


def _plain(heading: str) -> str:
    return "".join(character for character in heading.casefold() if character.isalnum())
