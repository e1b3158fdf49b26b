"""create_topics and outbox: what operators type."""

import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from outbox import broker, doctor
from outbox.consuming.message import Message
from outbox.consuming.offsets import OffsetStore
from outbox.models import ConsumerOffset, ConsumerParked, OutboxParked
from tests.integration.outbox.scratch import TOPIC, AppOutbox, new_keys
from tests.waiting import eventually


def run(*arguments: str) -> str:
    said = StringIO()
    call_command(*arguments, stdout=said)
    return said.getvalue()


def whats() -> list[str]:
    return [finding.what for finding in doctor.examine()]


def test_creating_topics_again_changes_nothing(app_outbox: AppOutbox) -> None:
    assert run("create_topics") == ""


def test_a_topic_with_another_partition_count_is_refused(app_outbox: AppOutbox, settings: Settings) -> None:
    settings.OUTBOX = {**settings.OUTBOX, "TOPICS": {**settings.OUTBOX["TOPICS"], TOPIC: 8}}

    with pytest.raises(CommandError, match=r"catalog\.product has 4 partitions and the settings say 8"):
        run("create_topics")
    assert any("has 4 partitions" in what for what in whats())


def test_a_missing_topic_is_found(app_outbox: AppOutbox, settings: Settings) -> None:
    name = f"catalog.missing_{uuid.uuid4().hex[:8]}"
    settings.OUTBOX = {**settings.OUTBOX, "TOPICS": {**settings.OUTBOX["TOPICS"], name: 1}}

    assert any(what.endswith(f"{name} does not exist") for what in whats())


def test_the_doctor_names_a_group_with_parked_keys_and_unpark_asks_for_them(app_outbox: AppOutbox, group: str) -> None:
    (key,) = new_keys(1)
    statement = "INSERT INTO outbox_consumer_parked (group_id, agg_key, first_seq, reason) VALUES (%s, %s, 1, 'test')"
    app_outbox.rows(statement, group, key)

    with pytest.raises(SystemExit) as stopped:
        run("outbox", "doctor")
    assert stopped.value.code == 1
    assert f"group {group} set 1 keys aside" in whats()

    assert "consumers: asked for 1 keys" in run("outbox", "unpark", key)
    assert ConsumerParked.objects.get(group_id=group).unpark_requested_at is not None


def test_unparking_reaches_the_relay(app_outbox: AppOutbox) -> None:
    (key,) = new_keys(1)
    app_outbox.rows("INSERT INTO outbox_parked (agg_key, first_id, reason) VALUES (%s, 1, 'TEST')", key)

    said = run("outbox", "unpark", key)

    assert "relay: asked for 1 keys" in said
    # Nothing of this key waits, so the relay lets it go at once.
    eventually(lambda: not OutboxParked.objects.filter(agg_key=key).exists())


def test_adopting_a_topic_made_anew(app_outbox: AppOutbox, group: str) -> None:
    earlier = broker.TopicIdentity("an-earlier-cluster", "an-earlier-topic")
    OffsetStore(group, {TOPIC: earlier}).store([Message(TOPIC, 0, 9, "", b"", "", 1, None, None)])
    assert f"group {group} has offsets of an earlier topic {TOPIC} only" in whats()

    assert "forgot 1 offsets" in run("outbox", "adopt", group, TOPIC)

    assert not ConsumerOffset.objects.filter(group_id=group).exists()
    assert f"group {group} has offsets of an earlier topic {TOPIC} only" not in whats()
