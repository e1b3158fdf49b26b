"""How far the outbox is behind, and what it set aside, for Prometheus. Reads PostgreSQL only."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from outbox.reading import relay_silent_seconds, rows

# Beyond this the backlog is not counted to its end: a scrape must stay cheap while the relay is down for hours.
BACKLOG_COUNTED_MAX = 100_000

# What a lane has published is all that is visible in `snap`, and of an open window what lies up to `after_id`. What is
# older than every transaction that ran at any lane's snap is published; the index on xact gives the rest.
_BACKLOG = f"""
WITH lane AS MATERIALIZED (
    SELECT lane, snap::pg_snapshot AS snap, window_snap::pg_snapshot AS window_snap, after_id FROM outbox_lane
), waiting AS (
    SELECT event.created_at FROM outbox_event AS event JOIN lane USING (lane)
    WHERE event.xact >= (SELECT min(pg_snapshot_xmin(snap)) FROM lane)
      AND NOT pg_visible_in_snapshot(event.xact, lane.snap)
      AND NOT coalesce(event.id <= lane.after_id AND pg_visible_in_snapshot(event.xact, lane.window_snap), false)
    ORDER BY event.xact LIMIT {BACKLOG_COUNTED_MAX}
)
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0) FROM waiting
"""
_PARKED = """
SELECT 'relay', count(*) FROM outbox_parked
UNION ALL SELECT group_id, count(*) FROM outbox_consumer_parked GROUP BY group_id
"""
_DEAD_LETTERS = "SELECT group_id, count(*) FROM outbox_dead_letter WHERE redriven_at IS NULL GROUP BY group_id"


def collect() -> Iterator[Metric]:
    """Raises OperationalError when PostgreSQL cannot be reached."""
    ((waiting, oldest_seconds),) = rows(_BACKLOG)
    yield GaugeMetricFamily(
        "outbox_unpublished_events",
        f"Events committed and not yet acknowledged by Kafka, counted up to {BACKLOG_COUNTED_MAX}.",
        value=waiting,
    )
    yield GaugeMetricFamily(
        "outbox_oldest_unpublished_seconds", "Age of the oldest of them; 0 when there is none.", value=oldest_seconds
    )
    silent = GaugeMetricFamily("outbox_relay_silent_seconds", "Seconds since any relay's last sign of life.")
    silent_seconds = relay_silent_seconds()
    if silent_seconds is not None:
        silent.add_metric([], silent_seconds)
    yield silent
    parked = GaugeMetricFamily("outbox_parked_keys", "Aggregates that wait for an operator.", labels=["by"])
    for by, count in rows(_PARKED):
        parked.add_metric([by], count)
    yield parked
    dead = GaugeMetricFamily("outbox_dead_letters", "Messages set aside and not delivered again.", labels=["group"])
    for group, count in rows(_DEAD_LETTERS):
        dead.add_metric([group], count)
    yield dead
