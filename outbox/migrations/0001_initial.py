"""The outbox's tables. The SQL is in sql/: partitions, identity columns and xid8 are beyond Django's model fields."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent / "sql"


def run(name: str) -> migrations.RunSQL:
    return migrations.RunSQL((SQL / f"{name}.sql").read_text(), (SQL / f"{name}.reverse.sql").read_text())


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        run("0001_events"),
        run("0001_partitions"),
        run("0001_relay"),
        run("0001_consumers"),
        migrations.CreateModel(
            name="ConsumerGuard",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "group_id", "agg_key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("group_id", models.TextField()),
                ("agg_key", models.TextField()),
                ("last_seq", models.IntegerField()),
            ],
            options={
                "db_table": "outbox_consumer_guard",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ConsumerOffset",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("group_id", models.TextField()),
                ("cluster_id", models.TextField()),
                ("topic_id", models.TextField()),
                ("partition", models.IntegerField()),
                ("topic", models.TextField()),
                ("next_offset", models.BigIntegerField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "db_table": "outbox_consumer_offset",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ConsumerParked",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("group_id", models.TextField()),
                ("agg_key", models.TextField()),
                ("first_seq", models.IntegerField()),
                ("reason", models.TextField()),
                ("since", models.DateTimeField()),
                ("unpark_requested_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "outbox_consumer_parked",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("group_id", models.TextField()),
                ("topic", models.TextField()),
                ("partition", models.IntegerField()),
                ("offset", models.BigIntegerField(db_column="kafka_offset")),
                ("agg_key", models.TextField()),
                ("agg_seq", models.IntegerField(null=True)),
                ("type", models.TextField()),
                ("event_id", models.UUIDField(null=True)),
                ("traceparent", models.TextField(null=True)),
                ("payload", models.BinaryField()),
                ("reason", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("redriven_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "outbox_dead_letter",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="OutboxEvent",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("lane", models.SmallIntegerField()),
                ("event_id", models.UUIDField()),
                ("created_at", models.DateTimeField()),
                ("topic", models.TextField(help_text="The aggregate type; the relay adds the environment's prefix.")),
                ("agg_key", models.TextField()),
                ("agg_seq", models.IntegerField()),
                ("type", models.TextField()),
                ("traceparent", models.TextField(null=True)),
                ("payload", models.BinaryField()),
            ],
            options={
                "db_table": "outbox_event",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="OutboxLane",
            fields=[
                ("lane", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("snap", models.TextField()),
                ("after_id", models.BigIntegerField(null=True)),
                ("window_snap", models.TextField(null=True)),
                ("owner", models.UUIDField(null=True)),
                ("epoch", models.BigIntegerField()),
                ("sysid", models.BigIntegerField(null=True)),
                ("timeline", models.IntegerField(null=True)),
                ("updated_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "outbox_lane",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="OutboxParked",
            fields=[
                ("agg_key", models.TextField(primary_key=True, serialize=False)),
                ("first_id", models.BigIntegerField()),
                ("reason", models.TextField()),
                ("since", models.DateTimeField()),
                ("unpark_requested_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "outbox_parked",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="OutboxRelayInstance",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("backend_pid", models.IntegerField()),
                ("heartbeat_at", models.DateTimeField()),
            ],
            options={
                "db_table": "outbox_relay_instance",
                "managed": False,
            },
        ),
    ]
