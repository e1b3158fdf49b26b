"""Moves recorded_seq forward once Cassandra has acknowledged events."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

_ADVANCE = """
WITH given AS (
    SELECT DISTINCT payment_id, seq FROM unnest(%s::uuid[], %s::integer[]) AS pair (payment_id, seq)
), numbered AS (
    -- Sequence numbers are dense, so seq minus its place is the same all along an unbroken run.
    SELECT payment_id, seq, seq - row_number() OVER (PARTITION BY payment_id ORDER BY seq) AS run FROM given
), runs AS (
    SELECT payment_id, min(seq) AS first_seq, max(seq) AS last_seq FROM numbered GROUP BY payment_id, run
), reachable AS (
    SELECT DISTINCT ON (payment_id) payment_id, first_seq, last_seq
    FROM runs LEFT JOIN payments_paymentrecording AS recording USING (payment_id)
    WHERE last_seq > coalesce(recorded_seq, 0) AND (first_seq = 1 OR recorded_seq IS NOT NULL)
    ORDER BY payment_id, first_seq
)
INSERT INTO payments_paymentrecording AS recording (payment_id, recorded_seq, updated_at)
SELECT payment_id, last_seq, clock_timestamp() FROM reachable ORDER BY payment_id
ON CONFLICT (payment_id) DO UPDATE
SET recorded_seq = GREATEST(recording.recorded_seq, excluded.recorded_seq), updated_at = clock_timestamp()
WHERE recording.recorded_seq >=
      (SELECT first_seq - 1 FROM reachable WHERE reachable.payment_id = excluded.payment_id)
"""


def advance(*, pairs: Sequence[tuple[UUID, int]]) -> None:
    """Record that these (payment, seq) pairs are in Cassandra; each payment moves over its contiguous prefix only.

    Idempotent: pairs already recorded, repeated or given in any order change nothing more. Two callers with
    overlapping pairs may run at once; recorded_seq never goes back.
    """
    if not pairs:
        return
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, [[str(payment_id) for payment_id, _ in pairs], [seq for _, seq in pairs]])
