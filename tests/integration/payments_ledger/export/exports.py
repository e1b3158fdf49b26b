"""Exports of a day by the command, what is in its file, and a seal over it that no chain knows of."""

import json
from datetime import UTC, datetime
from io import StringIO

import pyarrow.parquet as pq
from django.core.management import call_command

from payments_ledger import session
from payments_ledger.analytics.folder import day_file
from payments_ledger.reconciliation.digests import MODULUS, presence_of
from payments_ledger.seals import recording
from payments_ledger.seals.seal import Seal, SealedBlock
from payments_ledger.tables import EVENTS_BY_DAY


def export(folder, day, *arguments):
    """(exit code, report) of `ledger export` for one day."""
    output, code = StringIO(), 0
    try:
        call_command(
            "ledger", "export", "--folder", str(folder), "--day", str(day), "--json", *arguments, stdout=output
        )
    except SystemExit as end:
        code = end.code
    return code, json.loads(output.getvalue())


def outcomes(report):
    return [day["outcome"] for day in report["days"]]


def rows_of(folder, day):
    return {(str(row["payment_id"]), row["seq"]): row for row in pq.read_table(day_file(folder, day)).to_pylist()}


def seal(day, *, is_matched=True):
    """Rows of a seal over what Cassandra holds; the chain in PostgreSQL knows nothing of it."""
    blocks = {}
    cql = EVENTS_BY_DAY.select_cql(where=EVENTS_BY_DAY.partition_condition())
    for payment_type in ("wallet", "credit"):
        for bucket in range(4):
            for row in session.lookup(cql, [day, payment_type, bucket]):
                block = blocks.setdefault((payment_type, bucket), [0, {}, 0])
                key = f"{row['event_type']}/{row['currency']}"
                block[0] += 1
                block[1][key] = block[1].get(key, 0) + row["amount_minor"]
                block[2] = (block[2] + presence_of(row["body_sha256"])) % MODULUS
    made = Seal(
        seal_no=7,
        booking_day=day,
        prev_seal=bytes(32),
        sealed_at=datetime(2026, 1, 1, tzinfo=UTC),
        blocks=tuple(
            SealedBlock(
                payment_type=payment_type,
                bucket=bucket,
                event_count=count,
                sums=sums,
                digest=digest.to_bytes(16, "big"),
                pg_digest=digest.to_bytes(16, "big") if is_matched else bytes(16),
            )
            for (payment_type, bucket), (count, sums, digest) in sorted(blocks.items())
        ),
    )
    recording.write(made)
    return made.hash().hex()
