"""Events as a payment provider sends them, signed, to a web process or in this one."""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from core.payments.models import Payment, PaymentOperation
from core.webhooks.domain.signatures import HEADER, sign
from core.webhooks.models import ProviderEvent
from tests import played_provider

SECRET = "whsec_of_the_tests"


@dataclass
class ProviderVoice:
    """Tells of things in the name of a provider, through Django's test client: this process is the web process."""

    provider: str = played_provider.NAME
    secrets: Sequence[str] = (SECRET,)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def send(self, event: dict[str, Any], **options: Any) -> Any:
        return self.send_bytes(json.dumps(event).encode(), **options)

    def send_bytes(
        self, body: bytes, *, header: str | None = None, age_seconds: int = 0, content_type: str = "application/json"
    ) -> Any:
        signed = sign(body, secrets=self.secrets, timestamp=int(time.time()) - age_seconds)
        return self.client.post(
            f"/api/v1/webhooks/{self.provider}",
            data=body,
            content_type=content_type,
            headers={HEADER: signed if header is None else header},
        )

    def outcome(self, event: dict[str, Any]) -> str | None:
        """What became of the event here; None when it is not kept."""
        kept = ProviderEvent.objects.filter(provider=self.provider, event_id=event["id"])
        return kept.values_list("outcome", flat=True).first()


def event(event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "type": event_type,
        "created_at": "2026-11-21T12:00:00.000000+00:00",
        "data": data,
    }


def operation_event(operation: PaymentOperation, status: str = "succeeded", **changed: Any) -> dict[str, Any]:
    """That the operation was decided; `changed` fields of the data say something else than we asked for."""
    data = {
        "operation_id": str(operation.id),
        "payment_id": str(operation.payment_id),
        "kind": operation.kind,
        "amount_minor": operation.amount_minor,
        "currency": operation.currency,
        "status": status,
        "provider_ref": f"ref_{operation.id.hex[:12]}",
        "decline_code": "card_declined" if status == "declined" else "",
    }
    return event(f"operation.{status}", data | changed)


def dispute_event(payment: Payment, status: str, *, dispute_id: str, **changed: Any) -> dict[str, Any]:
    """That a capture is contested (`opened`), or how that ended (`won`, `lost`)."""
    data = {
        "dispute_id": dispute_id,
        "payment_id": str(payment.id),
        "amount_minor": payment.captured_minor,
        "currency": payment.currency,
        "reason": "fraudulent",
        "status": status,
    }
    return event(f"dispute.{status}", data | changed)
