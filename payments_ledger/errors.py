"""What can go wrong with the ledger: it is away (wait and try again), or an event is poison (park it)."""

from core.errors import AppError


class LedgerUnavailable(AppError):
    """The payments ledger does not answer; nothing is lost, it catches up by itself."""

    code, status, retryable, retry_after_seconds = "ledger_unavailable", 503, True, 2


class PoisonEvent(AppError):
    """This event can never be recorded as it stands; it is set aside with this reason."""

    code, status = "ledger_poison_event", 422


class BodyUnreadable(PoisonEvent):
    """The event's body is not one JSON object in UTF-8."""

    code = "ledger_body_unreadable"


class FieldInvalid(PoisonEvent):
    """A field of the event's body is missing, of another type or out of range."""

    code = "ledger_field_invalid"


class HashMismatch(PoisonEvent):
    """The body is not the one its hash was taken from."""

    code = "ledger_hash_mismatch"


class PostingsUnbalanced(PoisonEvent):
    """The event's postings do not sum to zero."""

    code = "ledger_postings_unbalanced"


class AccountUnknown(PoisonEvent):
    """The event posts to an account that the chart of accounts does not have."""

    code = "ledger_account_unknown"


class KeyMismatch(PoisonEvent):
    """The message carries another payment or sequence number than the body inside it."""

    code = "ledger_key_mismatch"


class RowRefused(PoisonEvent):
    """Cassandra answered that it will never take this row, by a guardrail for example."""

    code = "ledger_row_refused"


class VerificationUnfinished(AppError):
    """The verification took longer than it was given; there is no verdict."""

    code, status = "ledger_verification_unfinished", 503


class AlreadyRunning(AppError):
    """Work of this kind on the ledger is running already, and two at once would trip over each other."""

    code, status = "ledger_already_running", 409


class RebuildRefused(AppError):
    """The table cannot be rebuilt now."""

    code, status = "ledger_rebuild_refused", 409


class SettlementFileUnreadable(AppError):
    """The settlement file is not one; nothing was matched."""

    code, status = "settlement_file_unreadable", 422


class SettlementBreakResolved(AppError):
    """The break was resolved before; its note is kept."""

    code, status = "settlement_break_resolved", 409
