"""What the ledger posted to a provider's clearing account, with the reference by which the provider names it."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from core.payments.domain.accounts import psp_clearing
from payments_ledger.settlement.matching import Posting

# A dispute is a movement of its own at the provider, named by what happened and by the provider's id of the dispute;
# the event itself carries the reference of the payment's last operation.
_POSTINGS = """
SELECT event.payment_id, event.seq, event.booking_day, event.currency,
       (event.postings ->> %(account)s)::bigint AS amount_minor,
       CASE event.event_type
           WHEN 'payments.dispute.opened.v1' THEN 'opened_' || dispute.provider_dispute_id
           WHEN 'payments.dispute.won.v1' THEN 'won_' || dispute.provider_dispute_id
           ELSE body.fields ->> 'provider_ref'
       END AS reference
FROM payments_paymentevent AS event
CROSS JOIN LATERAL (SELECT convert_from(event.body, 'UTF8')::jsonb AS fields) AS body
LEFT JOIN payments_dispute AS dispute
       ON event.event_type LIKE 'payments.dispute.%%' AND dispute.id = (body.fields ->> 'object_id')::uuid
WHERE (event.booking_day BETWEEN %(first_day)s AND %(last_day)s OR event.payment_id = ANY(%(payment_ids)s::uuid[]))
  AND event.postings ->> %(account)s IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM ledger_settlement_match AS settled
      WHERE settled.payment_id = event.payment_id AND settled.seq = event.seq AND settled.run_id <> ALL(%(but)s::uuid[])
  )
"""

_SETTLED = """
SELECT DISTINCT reference FROM ledger_settlement_match
WHERE provider = %s AND reference = ANY(%s) AND run_id <> ALL(%s::uuid[])
"""


def unsettled(
    *,
    provider: str,
    first_day: date,
    last_day: date,
    payment_ids: Collection[UUID] = (),
    regardless_of: Collection[UUID] = (),
) -> list[Posting]:
    """Postings booked on these days (both included) or of these payments that no file has settled yet.

    `regardless_of` are runs that are about to be replaced: what they matched counts as not settled.
    """
    parameters: dict[str, Any] = {
        "account": psp_clearing(provider),
        "first_day": first_day,
        "last_day": last_day,
        "payment_ids": sorted(map(str, payment_ids)),
        "but": sorted(map(str, regardless_of)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_POSTINGS, parameters)
        return [
            Posting(
                reference=reference or "",
                amount_minor=amount_minor,
                currency=currency,
                day=day,
                payment_id=payment_id,
                seq=seq,
            )
            for payment_id, seq, day, currency, amount_minor, reference in cursor.fetchall()
        ]


def settled_references(
    *, provider: str, references: Collection[str], regardless_of: Collection[UUID] = ()
) -> frozenset[str]:
    """Which of these references an earlier file has settled."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, [provider, sorted(references), sorted(map(str, regardless_of))])
        return frozenset(reference for (reference,) in cursor.fetchall())
