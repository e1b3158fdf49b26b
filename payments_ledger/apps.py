"""Django's view of the ledger. Its models are about the ledger; the payments themselves are in Cassandra."""

from django.apps import AppConfig


class PaymentsLedgerConfig(AppConfig):
    name = "payments_ledger"
    verbose_name = "Payments ledger"
