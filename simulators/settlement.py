"""The settlement file: what the provider pays out for a day, a line for each movement of money.

It is folded from the log alone, so a day that is over always gives the same file. Lines are in the order of the log.
`gross_minor` is signed as the merchant sees it: a capture brings, a refund and a dispute take. `net_minor` is gross
less fee. A lost dispute moves nothing more, so it has no line.
"""

import csv
import io
from collections.abc import Iterable
from datetime import date

from simulators.operation_log import Record

COLUMNS = (
    "provider_ref", "operation_id", "payment_id", "kind", "gross_minor", "fee_minor", "net_minor", "currency",
    "occurred_at",
)  # fmt: skip
SIGNS = {"capture": 1, "refund": -1, "dispute_opened": -1, "dispute_won": 1}


def settlement_file(records: Iterable[Record], *, day: date) -> str:
    """CSV with a header, of the movements of one UTC day; of today, those so far."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in records:
        line = _line(record)
        if line is not None and record["at"].startswith(day.isoformat()):
            writer.writerow(line)
    return text.getvalue()


def _line(record: Record) -> Record | None:
    """The record's line, or None when it moved no money between us and the provider."""
    if record["type"] == "operation" and record.get("moved_minor"):
        kind, amount_minor, name = record["kind"], record["moved_minor"], record["operation_id"]
    elif record["type"] == "dispute":
        kind, amount_minor, name = f"dispute_{record['event']}", record["amount_minor"], record["dispute_id"]
    else:
        return None
    if kind not in SIGNS:
        return None
    gross_minor = SIGNS[kind] * amount_minor
    return {
        "provider_ref": record["provider_ref"],
        "operation_id": name,
        "payment_id": record["payment_id"],
        "kind": kind,
        "gross_minor": gross_minor,
        "fee_minor": record["fee_minor"],
        "net_minor": gross_minor - record["fee_minor"],
        "currency": record["currency"],
        "occurred_at": record["at"],
    }
