"""The provider's webhooks: which record is worth one, what it says, and the signature that proves whose it is."""

import hashlib
import hmac
import json
from dataclasses import dataclass

from simulators.answers import answer_of
from simulators.card_tokens import Kind, Notifying, behaviour_of, notifying_of
from simulators.operation_log import Record

# The log may hold kinds from before these; nobody waits to hear of them.
KINDS = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One thing to tell. The same record always gives the same id and the same bytes, so a resend is recognisable."""

    event_id: str
    type: str
    payment_id: str
    kind: str
    notifying: Notifying
    is_late: bool
    body: bytes


def event_of(record: Record) -> WebhookEvent | None:
    """The event of a decided operation or of a step of a dispute; None for any other record."""
    if record["type"] == "operation" and record["kind"] in KINDS:
        subject, event_type = record["operation_id"], f"operation.{record['status']}"
        is_late = behaviour_of(token=record["token"], kind=Kind(record["kind"])).is_told_late
    elif record["type"] == "dispute":
        subject, event_type = record["dispute_id"], f"dispute.{record['event']}"
        is_late = False
    else:
        return None
    event_id = event_id_of(subject, record["status"])
    content = {"id": event_id, "type": event_type, "created_at": record["at"], "data": answer_of(record)}
    return WebhookEvent(
        event_id=event_id,
        type=event_type,
        payment_id=record["payment_id"],
        kind=record.get("kind", ""),
        notifying=notifying_of(token=record["token"]),
        is_late=is_late,
        body=json.dumps(content, separators=(",", ":")).encode(),
    )


def event_id_of(subject: str, status: str) -> str:
    """The id of the event that this operation or dispute came to this status."""
    return f"evt_{hashlib.sha256(f'{subject}:{status}'.encode()).hexdigest()[:32]}"


def signature(*, body: bytes, secret: str, at_seconds: int) -> str:
    """The header Webhook-Signature. The time is signed too, so that an old message cannot be sent again as new."""
    digest = hmac.new(secret.encode(), f"{at_seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_seconds},v1={digest}"
