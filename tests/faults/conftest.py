"""A running stack whose programs may be stopped and killed; whatever a test breaks is mended before the next."""

from collections.abc import Iterator

import pytest

from deploy.local.control import Stack


@pytest.fixture
def stack() -> Iterator[Stack]:
    running = Stack.from_env()
    yield running
    running.start_all()
