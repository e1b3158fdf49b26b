"""What anybody is told of a record: in answers and in webhooks the same."""

from simulators.operation_log import Record

OPERATION_FIELDS = (
    "operation_id", "payment_id", "kind", "amount_minor", "currency", "status", "provider_ref", "decline_code",
)  # fmt: skip
DISPUTE_FIELDS = ("dispute_id", "payment_id", "amount_minor", "currency", "reason", "status")


def answer_of(record: Record) -> Record:
    """The public part of an operation, decided or pending, or of a dispute."""
    fields = DISPUTE_FIELDS if record["type"] == "dispute" else OPERATION_FIELDS
    return {field: record[field] for field in fields}
