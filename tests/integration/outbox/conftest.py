"""Fixtures for tests of the outbox on real servers."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command

from tests.integration.outbox.scratch import Observer, RunningRelay, Scratch


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
