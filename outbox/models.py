"""Views of the outbox's tables for reading. The tables themselves are made by SQL in the migrations.

Nothing writes through these models: rows are inserted by publishing, and moved by the relay and the consumers.
"""

from django.db import models


class OutboxEvent(models.Model):
    """An outbox message. The table also has `xact`, the transaction that wrote the row; only the relay reads it."""

    id = models.BigIntegerField(primary_key=True)
    lane = models.SmallIntegerField()
    event_id = models.UUIDField()
    created_at = models.DateTimeField()
    topic = models.TextField(help_text="The aggregate type; the relay adds the environment's prefix.")
    agg_key = models.TextField()
    agg_seq = models.IntegerField()
    type = models.TextField()
    traceparent = models.TextField(null=True)  # noqa: DJ001  (absent and empty differ in a header)
    payload = models.BinaryField()

    class Meta:
        managed = False
        db_table = "outbox_event"


class OutboxLane(models.Model):
    """How far a lane is published: all that is visible in `snap`, and of `window_snap` all up to `after_id`."""

    lane = models.SmallIntegerField(primary_key=True)
    snap = models.TextField()
    after_id = models.BigIntegerField(null=True)
    window_snap = models.TextField(null=True)  # noqa: DJ001  (null says that no window is open)
    owner = models.UUIDField(null=True)
    epoch = models.BigIntegerField()
    sysid = models.BigIntegerField(null=True)
    timeline = models.IntegerField(null=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "outbox_lane"


class OutboxRelayInstance(models.Model):
    """A running relay, its database session and its latest sign of life."""

    id = models.UUIDField(primary_key=True)
    backend_pid = models.IntegerField()
    heartbeat_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "outbox_relay_instance"


class OutboxParked(models.Model):
    """An aggregate whose messages the relay could not send; they wait from `first_id` on until it is unparked."""

    agg_key = models.TextField(primary_key=True)
    first_id = models.BigIntegerField()
    reason = models.TextField()
    since = models.DateTimeField()
    unpark_requested_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "outbox_parked"


class ConsumerGuard(models.Model):
    """The last sequence number a consumer group has applied of an aggregate."""

    pk = models.CompositePrimaryKey("group_id", "agg_key")
    group_id = models.TextField()
    agg_key = models.TextField()
    last_seq = models.IntegerField()

    class Meta:
        managed = False
        db_table = "outbox_consumer_guard"


class ConsumerOffset(models.Model):
    """Where a consumer group goes on in a partition of one particular topic of one particular cluster."""

    id = models.BigIntegerField(primary_key=True)
    group_id = models.TextField()
    cluster_id = models.TextField()
    topic_id = models.TextField()
    partition = models.IntegerField()
    topic = models.TextField()
    next_offset = models.BigIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "outbox_consumer_offset"
        unique_together = [("group_id", "cluster_id", "topic_id", "partition")]


class ConsumerParked(models.Model):
    """An aggregate that a consumer group could not process; its messages are dead letters until it is unparked."""

    id = models.BigIntegerField(primary_key=True)
    group_id = models.TextField()
    agg_key = models.TextField()
    first_seq = models.IntegerField()
    reason = models.TextField()
    since = models.DateTimeField()
    unpark_requested_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "outbox_consumer_parked"
        unique_together = [("group_id", "agg_key")]


class DeadLetter(models.Model):
    """A message set aside by a consumer group, complete, with the reason."""

    id = models.BigIntegerField(primary_key=True)
    group_id = models.TextField()
    topic = models.TextField()
    partition = models.IntegerField()
    offset = models.BigIntegerField(db_column="kafka_offset")
    agg_key = models.TextField()
    agg_seq = models.IntegerField(null=True)
    type = models.TextField()
    event_id = models.UUIDField(null=True)
    traceparent = models.TextField(null=True)  # noqa: DJ001  (absent and empty differ in a header)
    payload = models.BinaryField()
    reason = models.TextField()
    created_at = models.DateTimeField()
    redriven_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "outbox_dead_letter"
