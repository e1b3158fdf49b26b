from datetime import UTC, datetime, timedelta

from core import clock


def test_the_clock_can_be_replaced_and_comes_back():
    moment = datetime(2010, 12, 9, 20, 1, tzinfo=UTC)
    clock.set_source(lambda: moment)
    try:
        assert clock.now() == moment
    finally:
        clock.set_source(None)

    assert abs(datetime.now(UTC) - clock.now()) < timedelta(seconds=5)
    assert clock.now().tzinfo is UTC
