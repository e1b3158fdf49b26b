"""An import that is killed halfway, or runs beside another, books what one run alone would have."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from core.orders.imports.running import batch_id_of
from core.payments.models import ImportBatch, Payment, PaymentRecording
from core.payments.services.import_batches import close_batch, open_batch
from tests.e2e.imports.runs import counts, every_row, process, run
from tests.e2e.imports.shop import FIRST_DAY, Shop, many
from tests.turnstile import Turnstile
from tests.unit.imports.order_files import write_parquet


def test_sigkill_halfway_and_a_second_run_leave_what_one_run_would_have(shop: Shop, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "orders.parquet", many(shop))
    payments = Payment.objects.filter(provider_ref__endswith=shop.tag)
    with Turnstile("orders.imports") as turnstile:
        importing = process(path)
        while not payments.exists():
            turnstile.let_one_pass()
        # The importer stands before the lock of its next chunk: it is killed between two transactions.
        importing.kill()
        importing.communicate(timeout=30)
        booked = payments.count()
    assert booked == 500
    assert ImportBatch.objects.get(pk=batch_id_of(path)).state == "open"

    exit_code, output = run(path)

    assert exit_code == 0, output
    assert counts(every_row(shop, path)) == {
        "batch": 1, "events": 700, "lines": 1400, "movements": 707, "orders": 700, "outbox": 1400,
        "payments": 700, "products": 7,
    }  # fmt: skip
    assert "200 invoices written" in output
    assert sum(shop.stock(f"code{code}") for code in range(7)) == 0
    assert ImportBatch.objects.get(pk=batch_id_of(path)).state == "closed"
    recorded = PaymentRecording.objects.filter(payment_id__in=payments.values("id"), recorded_seq=1)
    assert recorded.count() == 700


def test_two_imports_of_one_file_at_once_book_it_once(shop: Shop, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "orders.parquet", many(shop))

    importing = [process(path), process(path)]
    outputs = [each.communicate(timeout=120)[0] for each in importing]

    assert [each.returncode for each in importing] == [0, 0], outputs
    assert counts(every_row(shop, path))["events"] == 700
    assert counts(every_row(shop, path))["movements"] == 707
    assert sum(shop.stock(f"code{code}") for code in range(7)) == 0


def test_days_that_another_import_has_open_are_not_called_agreement(shop: Shop, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "orders.parquet", [shop.line("1", "a", 1, 1.0, day=90)])
    day = (FIRST_DAY + timedelta(days=90)).date()
    other = open_batch(batch_id=uuid4(), source="another", first_day=day, last_day=day)

    exit_code, output = run(path, "--stall-seconds", "0.1")
    close_batch(batch_id=other.id)

    assert exit_code == 1
    assert f"NOT COMPARED: {day} to {day}, the import of another is open" in output
    assert run(path)[0] == 0
