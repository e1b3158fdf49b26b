"""The moment below which no event can still appear in either store unseen."""

from datetime import datetime

from django.db import connection

# Unrecorded events older than this no longer hold the watermark back: they are missing, and verify must say so.
UNRECORDED_GRACE_SECONDS = 60

_IN_PROGRESS = """
SELECT least(
    clock_timestamp(),
    (SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()),
    (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database())
)
"""

_UNRECORDED = """
SELECT least(%s, min(event.booked_at))
FROM payments_paymentevent AS event LEFT JOIN payments_paymentrecording AS recording USING (payment_id)
WHERE event.inserted_at > clock_timestamp() - make_interval(secs => %s)
  AND event.seq > coalesce(recording.recorded_seq, 0)
  AND NOT EXISTS (SELECT FROM payments_importbatch AS batch
                  WHERE batch.state = 'open' AND event.booking_day BETWEEN batch.first_day AND batch.last_day)
"""


def oldest_in_progress() -> datetime:
    """The start of the oldest transaction that may still book an event; the primary's now when there is none.

    An event that is not visible to a statement begun after this returned is booked at or after this moment.
    """
    with connection.cursor() as cursor:
        cursor.execute(_IN_PROGRESS)
        (moment,) = cursor.fetchone()
    return moment


def read() -> datetime:
    """The watermark, by the primary's clock: compare only events booked before it, and read it before the digests.

    Call it outside a transaction. Needs pg_monitor, or other roles' sessions are hidden from it.
    """
    # Two statements, in this order: a transaction that ends between them is gone from the sessions, so its events
    # must be visible to the second. In one statement they would be in neither.
    in_progress = oldest_in_progress()
    with connection.cursor() as cursor:
        cursor.execute(_UNRECORDED, [in_progress, UNRECORDED_GRACE_SECONDS])
        (moment,) = cursor.fetchone()
    return moment
