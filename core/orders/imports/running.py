"""One import from the first row to the closed batch: read, survey, write, wait until recorded, close."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid5

import structlog

from core.ids import IMPORT_NAMESPACE
from core.orders.imports.catalogue import ensure_products
from core.orders.imports.errors import NotRecorded, UnusableFile
from core.orders.imports.invoices import build_invoice
from core.orders.imports.known import known_totals
from core.orders.imports.loading import fill
from core.orders.imports.rejects import Rejects
from core.orders.imports.spool import Spool
from core.orders.imports.survey import Survey, take_survey
from core.orders.imports.writing import Writer
from core.payments.models import ImportBatch
from core.payments.services import import_batches

log = structlog.get_logger(__name__)

INVOICES_PER_TRANSACTION = 500
POLL_SECONDS = 0.5


class Progress(Protocol):
    """Where an import tells how far it is."""

    def step(self, what: str, total: int | None) -> Callable[[int], None]:
        """Begin a step of `total` things (None: nobody knows yet); the result is called with how many more are done."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to import, and how to read it. Nothing in the file may have happened after `latest`."""

    path: Path
    currency: str
    latest: datetime
    day_first: bool
    stall_seconds_max: float


@dataclass(slots=True)
class Outcome:
    """What an import did. Seconds are from the first write on."""

    batch_id: UUID
    rows: int
    survey: Survey
    written_invoices: int = 0
    written_payments: int = 0
    writing_seconds: float = 0.0
    recording_seconds: float = 0.0


@contextmanager
def prepared(request: Request, *, rejects: Rejects, progress: Progress) -> Iterator[tuple[Spool, Outcome]]:
    """Read and survey the file; nothing is written to the books yet. The spool goes with the context.

    Raises UnusableFile.
    """
    batch_id = batch_id_of(request.path)
    with tempfile.TemporaryDirectory(prefix="import-") as directory:
        spool = Spool(path=Path(directory) / "spool.sqlite")
        try:
            rows = fill(
                spool=spool,
                path=request.path,
                rejects=rejects,
                latest=request.latest,
                day_first=request.day_first,
                advance=progress.step("reading rows", None),
            )
            survey = take_survey(
                spool=spool,
                rejects=rejects,
                currency=request.currency,
                known_totals=known_totals,
                advance=progress.step("looking at invoices", None),
            )
            yield spool, Outcome(batch_id=batch_id, rows=rows, survey=survey)
        finally:
            spool.close()


def book(request: Request, *, spool: Spool, outcome: Outcome, progress: Progress) -> None:
    """Write what is new, wait until Cassandra has all of it, and close the batch. Goes on where an earlier run stopped.

    A file with nothing new changes nothing. Raises StockShort and NotRecorded; the batch stays open then. Raises
    DaySealed before anything is written, when new invoices fall on sealed days.
    """
    survey = outcome.survey
    batch = ImportBatch.objects.filter(pk=outcome.batch_id).first()
    started = time.monotonic()
    if survey.new_invoices:
        assert survey.first_day is not None
        assert survey.last_day is not None
        batch = import_batches.open_batch(
            batch_id=outcome.batch_id,
            source=request.path.name,
            first_day=survey.first_day,
            last_day=survey.last_day,
            days=survey.booking_days,
        )
        _write(batch, request, spool, outcome, progress)
    outcome.writing_seconds = time.monotonic() - started
    if batch is not None and batch.state == ImportBatch.State.OPEN:
        _wait_until_recorded(batch, request.stall_seconds_max, progress)
        import_batches.close_batch(batch_id=batch.id)
    outcome.recording_seconds = time.monotonic() - started


def batch_id_of(path: Path) -> UUID:
    """The batch of a file, by its content: the same file under another name is the same import.

    Raises UnusableFile.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnusableFile(f"it cannot be read: {error.strerror or error}") from error
    return uuid5(IMPORT_NAMESPACE, f"batch:{digest}")


def _write(batch: ImportBatch, request: Request, spool: Spool, outcome: Outcome, progress: Progress) -> None:
    plans = outcome.survey.plan.products
    products = ensure_products(plans=plans.values(), batch_id=batch.id, currency=request.currency)
    writer = Writer(batch=batch, products=products)
    advance = progress.step("writing invoices", outcome.survey.new_invoices)
    invoices = (build_invoice(lines, currency=request.currency) for lines in spool.new_invoices())
    while chunk := list(islice(invoices, INVOICES_PER_TRANSACTION)):
        written, payments = writer.write(chunk)
        outcome.written_invoices += written
        outcome.written_payments += payments
        advance(len(chunk))
    log.info("import.written", batch_id=str(batch.id), invoices=outcome.written_invoices)


def _wait_until_recorded(batch: ImportBatch, stall_seconds_max: float, progress: Progress) -> None:
    waiting = import_batches.unrecorded_count(batch)
    advance = progress.step("recording events", waiting)
    last_progress = time.monotonic()
    while waiting:
        time.sleep(POLL_SECONDS)
        still = import_batches.unrecorded_count(batch)
        advance(waiting - still)
        if still < waiting:
            last_progress = time.monotonic()
        elif time.monotonic() - last_progress > stall_seconds_max:
            raise NotRecorded(f"{still} events are in PostgreSQL and not yet in Cassandra")
        waiting = still
