"""Writes invoices: orders, payments, their events and stock, many a transaction, each once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from uuid import UUID

from core.catalog.models import StockMovement
from core.catalog.services import stock
from core.db.transactions import atomically
from core.orders.events import ORDER
from core.orders.imports.copying import copy_rows
from core.orders.imports.errors import StockShort
from core.orders.imports.invoices import Invoice, Kind
from core.orders.imports.known import known_totals
from core.orders.imports.locks import lock_imports
from core.orders.imports.people import ensure_users
from core.orders.imports.records import (
    LINE_COLUMNS,
    MOVEMENT_COLUMNS,
    booking_of,
    lines_of,
    movements_of,
    order_event_of,
    order_of,
    payment_of,
)
from core.orders.models import Order, OrderLine
from core.payments.models import ImportBatch, Payment
from core.payments.services.booking import Booking, BookingTime, book_many
from core.payments.services.import_batches import imported_booking_time
from outbox.publishing import Outgoing, emit_many

INSERT_ROWS = 2_000


@dataclass(slots=True)
class Writer:
    """Books invoices into an open import batch. `products` has the id of every stock code they name."""

    batch: ImportBatch
    products: Mapping[str, UUID]
    _users: set[UUID] = field(default_factory=set)
    _bucket_counts: dict[date, int] = field(default_factory=dict)

    def write(self, invoices: Sequence[Invoice]) -> tuple[int, int]:
        """Write those invoices that are not in the books, all or none; returns how many, and how many payments.

        Idempotent. Raises StockShort when somebody bought what the opening stock was meant for.
        """
        written, payments, users = atomically(partial(self._write, invoices))
        # Only now: what a rolled back transaction made is not there.
        self._users |= users
        return written, payments

    def _write(self, invoices: Sequence[Invoice]) -> tuple[int, int, set[UUID]]:
        lock_imports()
        known = known_totals(invoices)
        missing = [invoice for invoice in invoices if invoice.number not in known]
        users = ensure_users(missing, known=self._users)
        self._write_orders([invoice for invoice in missing if invoice.kind is Kind.SALE])
        payments = self._write_payments(missing)
        self._write_stock(missing)
        return len(missing), payments, users

    def _write_orders(self, sales: Sequence[Invoice]) -> None:
        orders = [order_of(invoice) for invoice in sales]
        Order.objects.bulk_create(orders, batch_size=INSERT_ROWS)
        copy_rows(
            table=OrderLine._meta.db_table,
            columns=LINE_COLUMNS,
            rows=(line for invoice in sales for line in lines_of(invoice, self.products)),
        )
        emit_many([Outgoing(ORDER, str(order.id), order.seq, order_event_of(order)) for order in orders])

    def _write_payments(self, invoices: Sequence[Invoice]) -> int:
        payments: list[Payment] = []
        bookings: list[Booking] = []
        for invoice in invoices:
            rule = invoice.payment_rule
            if rule is not None:
                time = self._booking_time(invoice.occurred_at)
                payment = payment_of(invoice, rule, time)
                payments.append(payment)
                bookings.append(booking_of(invoice, rule, payment, time))
        Payment.objects.bulk_create(payments, batch_size=INSERT_ROWS)
        book_many(bookings)
        return len(payments)

    def _write_stock(self, invoices: Sequence[Invoice]) -> None:
        """Movements and stock, last: products are the last locks before the commit."""
        copy_rows(
            table=StockMovement._meta.db_table,
            columns=MOVEMENT_COLUMNS,
            rows=(movement for invoice in invoices for movement in movements_of(invoice, self.products)),
        )
        taken: Counter[UUID] = Counter()
        for invoice in invoices:
            for sku, change in invoice.stock_change().items():
                taken[self.products[sku]] -= change
        short = stock.take(taken)
        if short:
            codes = {identity: sku for sku, identity in self.products.items()}
            raise StockShort([codes[identity] for identity in short])

    def _booking_time(self, occurred_at: datetime) -> BookingTime:
        """The batch's booking time of a first event; one look at the calendar a day."""
        day = occurred_at.date()
        if day not in self._bucket_counts:
            self._bucket_counts[day] = imported_booking_time(self.batch, occurred_at).bucket_count
        return BookingTime(occurred_at, self._bucket_counts[day])
