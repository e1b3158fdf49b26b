"""Rebuild of a projection from PostgreSQL: a side table is filled, verified, and then takes the table's place.

Readers never see a half-filled table, and no write is lost on the way; current_names says why. Interrupted, it is run
again and goes on where it stopped.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from payments_ledger import current_names, history, roles, session, writing
from payments_ledger.cluster import LOOKUP, unavailable_when_away
from payments_ledger.errors import RebuildRefused
from payments_ledger.models import LedgerTableName
from payments_ledger.pace import Pace
from payments_ledger.reconciliation import scope, summing
from payments_ledger.reconciliation.checks import CHECKS, Check
from payments_ledger.reconciliation.classify import add_differences
from payments_ledger.reconciliation.digests import total_of
from payments_ledger.reconciliation.repair import alone
from payments_ledger.reconciliation.report import Report
from payments_ledger.reconciliation.scanning import readings
from payments_ledger.reconciliation.summing import Summaries
from payments_ledger.reconciliation.verify import unequal_places

logger = structlog.get_logger(__name__)

REBUILDABLE = tuple(name for name, check in CHECKS.items() if check.table.is_rebuildable)
LOCK = "payments_ledger.rebuild"
PAGE_EVENTS = 1000
DDL_TIMEOUT_SECONDS = 30.0
# Beyond the time a writer remembers names, for clocks that do not run alike.
MARGIN_SECONDS = 1.0


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did. Without `is_switched`, readers still have the old table, and `differences` say why."""

    table: str
    old: str
    new: str
    is_switched: bool = False
    events: int = 0
    rows: int = 0
    digest: str = ""
    differences: list[str] = field(default_factory=list)
    written_until: datetime | None = None
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "old": self.old,
            "new": self.new,
            "switched": self.is_switched,
            "events": self.events,
            "rows": self.rows,
            "digest": self.digest,
            "differences": self.differences,
            "old_is_written_until": self.written_until.isoformat() if self.written_until else None,
            "seconds": round(self.seconds, 3),
        }


def rebuild(*, table: str, events_per_second: float, on_progress: Callable[[str], None] = lambda text: None) -> Rebuilt:
    """Fill a side table of the same definition from PaymentEvent, verify it by digest, and switch to it if it agrees.

    The old table stays, and is written to for another two minutes. Raises AlreadyRunning while another rebuild runs,
    RebuildRefused while an import is open, LedgerUnavailable or django.db.Error when a store is away: readers are not
    concerned, and the next call goes on with the same side table. Needs the owner's password, as `migrate` does.
    """
    started = time.monotonic()
    check = CHECKS[table]
    with alone(LOCK, what="rebuild"):
        _require_no_open_import()
        row = _begin(check)
        result = Rebuilt(table, old=row.current, new=row.building)
        on_progress(f"waiting until every writer knows {row.building}")
        _wait_for_writers()
        _copy(check, row, result, pace=Pace(events_per_second), on_progress=on_progress)
        on_progress(f"{result.events} events copied, verifying {row.building}")
        _verify(check.of_table(row.building), table, result)
        if result.differences:
            # The next run copies everything again, over what is there.
            LedgerTableName.objects.filter(pk=table).update(copied_payment_id=None, copied_seq=0)
        else:
            result.written_until = _switch(row)
            result.is_switched = True
    result.seconds = time.monotonic() - started
    logger.info("ledger_table_rebuilt", **{**result.as_json(), "differences": len(result.differences)})
    return result


def plan(*, table: str) -> Rebuilt:
    """What rebuild() would do: from which name to which, and from how many events. Changes nothing."""
    row = LedgerTableName.objects.filter(pk=table).first()
    old = row.current if row else table
    new = row.building if row and row.building else _next_name(table)
    return Rebuilt(table, old=old, new=new, events=history.count(history.Selection()))


def _require_no_open_import() -> None:
    if batches := scope.open_days():
        names = ", ".join(f"{batch.source} ({batch.first_day} to {batch.last_day})" for batch in batches)
        raise RebuildRefused(f"days of an open import cannot be verified: finish {names} first")


def _begin(check: Check) -> LedgerTableName:
    """The row with `building` set and the side table made; an interrupted rebuild's, when there is one."""
    row, _ = LedgerTableName.objects.get_or_create(pk=check.name, defaults={"current": check.name})
    if not row.building:
        row.building, row.copied_payment_id, row.copied_seq = _next_name(check.name), None, 0
    _create(row.current, row.building)
    row.save()
    return row


def _next_name(table: str) -> str:
    """The table's name with the first free number from 2 on: whatever stands under the others is left alone."""
    cql = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?"
    taken = {row["table_name"] for row in session.lookup(cql, [settings.LEDGER["KEYSPACE"]])}
    number = 2
    while f"{table}_{number}" in taken:
        number += 1
    return f"{table}_{number}"


def _create(current: str, side: str) -> None:
    """Make `side` with the definition that the server has for `current`, masks and options included."""
    keyspace = settings.LEDGER["KEYSPACE"]
    with session.temporary(keyspace) as opened, unavailable_when_away():
        (described,) = [
            found["create_statement"]
            for found in opened.execute(f"DESCRIBE TABLE {keyspace}.{current}", execution_profile=LOOKUP)
            if found["type"] == "table"
        ]
        cql, count = re.subn(
            rf"^CREATE TABLE {keyspace}\.{current} \(", f"CREATE TABLE IF NOT EXISTS {keyspace}.{side} (", described
        )
        if count != 1:
            raise RebuildRefused(f"the server describes {current} in an unknown form: {described[:80]!r}")
        opened.execute(cql, execution_profile=LOOKUP, timeout=DDL_TIMEOUT_SECONDS)
        roles.grant_like(opened, keyspace=keyspace, table=current, side=side)


def _wait_for_writers() -> None:
    """Until every sink writes to the new name too: what one wrote before that was committed before the copy begins."""
    time.sleep(current_names.NAMES_SECONDS + MARGIN_SECONDS)


def _copy(
    check: Check, row: LedgerTableName, result: Rebuilt, *, pace: Pace, on_progress: Callable[[str], None]
) -> None:
    """Every event (of latest states the newest) in the order of payments, at its own time, from where it stopped."""
    position = (row.copied_payment_id, row.copied_seq) if row.copied_payment_id else None
    while True:
        events, position = history.page_after(position, PAGE_EVENTS, is_newest_only=check.is_latest)
        for portion in pace.portions(events):
            pairs = [(check.expected(event), event) for event in portion]
            writing.fill(check.table, row.building, [(made, event) for made, event in pairs if made is not None])
        result.events += len(events)
        if position is None:
            return
        row.copied_payment_id, row.copied_seq = position
        row.save(update_fields=["copied_payment_id", "copied_seq", "updated_at"])
        on_progress(f"{result.events} events copied")


def _verify(side: Check, table: str, result: Rebuilt) -> None:
    """Compare the side table with PostgreSQL below the watermark, as `ledger verify` compares the table itself."""
    limits, watermark = scope.fix_scope()
    expected = summing.expected_deep(limits, (table,), share=0, shares=1)
    held: Summaries = {}
    for reading in readings(side, limits):
        summing.merge(held, summing.held(reading, limits))
    report = Report(watermark, None, None, is_deep=True)
    for problem in expected.problems:
        report.add(problem)
    unequal = unequal_places(expected.tables[table], held)
    if unequal:
        add_differences(side, limits, unequal, expected.tables[table], held, report)
    total = total_of(held.values())
    result.rows, result.digest = total.count, f"{total.content:032x}"
    result.differences = [difference.sentence() for difference in report.differences]


@transaction.atomic
def _switch(row: LedgerTableName) -> datetime:
    """Readers take the new table within seconds; the old one is written to until the time returned."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    until: datetime = now + timedelta(seconds=current_names.RETIRING_SECONDS)
    row.retiring, row.current, row.building = row.current, row.building, ""
    row.retire_at, row.copied_payment_id, row.copied_seq = until, None, 0
    row.save()
    return until
