"""How long a caller says it is ready to wait."""

import pytest

from core.api.waiting import preferred_seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("wait=10", 10),
        ("WAIT=1", 1),
        ('wait="7"', 7),
        ("respond-async, wait=5", 5),
        ("wait=5;strict, handling=lenient", 5),
        ("wait=20", 20),
        ("wait=21", 20),
        ("wait=999999999", 20),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("wait=", 0),
        ("wait", 0),
        ("await=5", 0),
        ("wait=" + "9" * 5_000, 0),
        ("wait=\uff13", 3),
    ],
)
def test_the_first_wait_that_can_be_read_counts(header, seconds):
    assert preferred_seconds(header) == seconds
