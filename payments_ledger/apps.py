"""Django's view of the ledger: no models of its own, because its tables are not in PostgreSQL."""

from django.apps import AppConfig


class PaymentsLedgerConfig(AppConfig):
    name = "payments_ledger"
    verbose_name = "Payments ledger"
