"""Why an export or an answer cannot be had. Each message is one sentence that says what to do."""

from payments_ledger.reconciliation.scope import Block


class AnalyticsError(Exception):
    """The request cannot be answered as it stands; nothing was changed."""


class BlockDamaged(Exception):
    """A block of events_by_day holds something that no event has, or not what its seal says."""

    def __init__(self, block: Block, reason: str) -> None:
        self.block, self.reason = block, reason
        super().__init__(block, reason)

    def __str__(self) -> str:
        day, payment_type, bucket = self.block
        return f"block {day} {payment_type}/{bucket}: {self.reason}; run `manage.py ledger verify --day {day}`"
