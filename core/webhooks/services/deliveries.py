"""Sends deliveries: claim (transaction) → send (no transaction) → record (transaction). At least once, in no order.

Found again in PostgreSQL whatever else is lost; any number of workers may do it at once.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction

from core.clock import now
from core.db.transactions import atomically
from core.failpoints import failpoint
from core.ids import new_id
from core.webhooks.domain.delivery_state import DeliveryState, delay_after
from core.webhooks.domain.signatures import HEADER, sign
from core.webhooks.errors import DeliveryCanceled
from core.webhooks.gateways.sender import Answer, Sender
from core.webhooks.models import WebhookAttempt, WebhookDelivery
from core.webhooks.selectors.endpoints import delivery_by_id
from core.webhooks.services.endpoints import url_policy

log = structlog.get_logger(__name__)

# Longer than any attempt: the time-out, and what the system's resolver may take before it.
LEASE_SECONDS = 60
# Of one endpoint at once, so that one that does not answer leaves room for the others.
PER_ENDPOINT_MAX = 4


_CLAIM = """
UPDATE webhooks_webhookdelivery
SET lease_owner = %(owner)s, lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
    attempts = attempts + 1
WHERE id IN (
    SELECT due.id FROM webhooks_webhookendpoint endpoint CROSS JOIN LATERAL (
        SELECT id, next_attempt_at FROM webhooks_webhookdelivery
        WHERE endpoint_id = endpoint.id AND state = 'pending' AND next_attempt_at <= clock_timestamp()
          AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY next_attempt_at LIMIT %(per_endpoint)s FOR NO KEY UPDATE SKIP LOCKED) due
    WHERE endpoint.is_enabled
    ORDER BY due.next_attempt_at LIMIT %(limit)s)
RETURNING id
"""


_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('webhooks.send_due', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('webhooks.send_due', 0))"


def send_due(*, seconds_max: float) -> int:
    """Send what is due, WEBHOOK_CONCURRENCY at a time, and begin nothing more after `seconds_max`; returns how many.

    One caller at a time, others return 0 at once: slow endpoints never take more than one worker from other tasks.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        (is_alone,) = cursor.fetchone()
    if not is_alone:
        return 0
    try:
        return _send_due(time.monotonic() + seconds_max)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(_UNLOCK)


def _send_due(until: float) -> int:
    slots, count = settings.WEBHOOK_CONCURRENCY, 0
    with ThreadPoolExecutor(slots, thread_name_prefix="webhooks") as pool:
        while time.monotonic() < until and (claimed := claim(owner=new_id(), limit=slots)):
            wait([pool.submit(_run, delivery) for delivery in claimed])
            count += len(claimed)
    return count


def claim(*, owner: UUID, limit: int) -> Sequence[WebhookDelivery]:
    """Take due deliveries with a lease. Two claimers never get the same one while its lease lasts."""
    parameters: dict[str, str | int] = {
        "owner": str(owner),
        "lease_seconds": LEASE_SECONDS,
        "per_endpoint": PER_ENDPOINT_MAX,
        "limit": limit,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, parameters)
        ids = [row[0] for row in cursor.fetchall()]
    return list(WebhookDelivery.objects.select_related("endpoint").filter(id__in=ids))


def attempt(delivery: WebhookDelivery) -> Answer:
    """Send a claimed delivery once and record what came of it."""
    body, endpoint = bytes(delivery.body), delivery.endpoint
    sender = Sender(policy=url_policy(), timeout_seconds=settings.WEBHOOK_TIMEOUT_SECONDS)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "countinghouse-webhooks",
        HEADER: sign(body, secrets=[endpoint.secret], timestamp=int(now().timestamp())),
    }
    failpoint("delivery.claimed")
    answer = sender.post(endpoint.url, body=body, headers=headers)
    failpoint("delivery.sent")
    atomically(lambda: record(delivery_id=delivery.id, number=delivery.attempts, answer=answer))
    return answer


@transaction.atomic
def record(*, delivery_id: UUID, number: int, answer: Answer) -> DeliveryState:
    """Write down an attempt and what follows: done, the time of the next one, or no more."""
    delivery = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
    WebhookAttempt.objects.create(
        delivery=delivery,
        number=number,
        status=answer.status,
        error=answer.error,
        answer=answer.body,
        duration_ms=answer.duration_ms,
    )
    if delivery.state == DeliveryState.PENDING:
        _move_on(delivery, answer)
    failpoint("delivery.recorded")
    log.info(
        "webhook.attempted",
        delivery_id=str(delivery_id),
        number=number,
        status=answer.status,
        error=answer.error,
        state=delivery.state,
    )
    return DeliveryState(delivery.state)


def replay(*, delivery_id: UUID) -> WebhookDelivery:
    """Send it again, from the beginning of its schedule. Raises NotFound or DeliveryCanceled."""
    return atomically(lambda: _replay(delivery_id))


def _replay(delivery_id: UUID) -> WebhookDelivery:
    delivery_by_id(delivery_id)
    delivery = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
    if delivery.state == DeliveryState.CANCELED or delivery.endpoint.deleted_at is not None:
        raise DeliveryCanceled("Make a new endpoint; it is told of what happens from then on.")
    delivery.state, delivery.failures, delivery.next_attempt_at, delivery.finished_at = (
        DeliveryState.PENDING, 0, now(), None,
    )  # fmt: skip
    delivery.save(update_fields=["state", "failures", "next_attempt_at", "finished_at"])
    return delivery


def _move_on(delivery: WebhookDelivery, answer: Answer) -> None:
    delivery.lease_owner = delivery.lease_until = None
    if answer.is_success:
        _finish(delivery, DeliveryState.SUCCEEDED)
    else:
        delivery.failures += 1
        delay = delay_after(delivery.failures, settings.WEBHOOK_RETRY_DELAYS_SECONDS)
        if delay is None:
            log.error("webhook.exhausted", delivery_id=str(delivery.id), endpoint_id=str(delivery.endpoint_id))
            _finish(delivery, DeliveryState.EXHAUSTED)
        else:
            delivery.next_attempt_at = now() + timedelta(seconds=delay)
    delivery.save()


def _finish(delivery: WebhookDelivery, state: DeliveryState) -> None:
    delivery.state, delivery.next_attempt_at, delivery.finished_at = state, None, now()


def _run(delivery: WebhookDelivery) -> None:
    try:
        attempt(delivery)
    except Exception:
        # The lease runs out and the delivery is sent again.
        log.exception("webhook.not_recorded", delivery_id=str(delivery.id))
    finally:
        # The pool's threads end with this call.
        connection.close()
