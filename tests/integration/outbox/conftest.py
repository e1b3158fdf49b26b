"""Fixtures for tests of the outbox on real servers."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command

from outbox.models import ConsumerGuard, ConsumerOffset, ConsumerParked, DeadLetter
from tests.integration.outbox.consumers import Remembering, RunningLoop
from tests.integration.outbox.scratch import AppOutbox, Observer, RunningRelay, Scratch


@pytest.fixture(scope="session", autouse=True)
def _topics() -> None:
    call_command("create_topics")


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.drop()


@pytest.fixture
def observer() -> Iterator[Observer]:
    made = Observer()
    yield made
    made.close()


@pytest.fixture
def relay(scratch: Scratch) -> Iterator[RunningRelay]:
    running = RunningRelay(scratch)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def app_outbox() -> Iterator[AppOutbox]:
    """The application's outbox with a relay at work: the run's own, or one of ours when pytest runs by itself."""
    application = AppOutbox()
    running = None if application.has_relay() else RunningRelay(application)
    yield application
    if running is not None:
        running.stop()


@pytest.fixture
def group() -> Iterator[str]:
    """A consumer group of its own; what it parks would alarm those who watch the run."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    for model in (ConsumerParked, DeadLetter, ConsumerOffset, ConsumerGuard):
        model.objects.filter(group_id=name).delete()


@pytest.fixture
def consume(group: str) -> Iterator[Callable[[Remembering], RunningLoop]]:
    started: list[RunningLoop] = []

    def start(projection: Remembering) -> RunningLoop:
        started.append(RunningLoop(group, projection))
        return started[-1]

    yield start
    for loop in started:
        loop.stop()
