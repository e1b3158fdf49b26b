"""The life of a cursor through one window."""

from outbox.relay.cursor import Cursor


def test_a_window_is_opened_walked_and_closed() -> None:
    cursor = Cursor("5:9:6")

    opened = cursor.opened("12:12:")
    walked = opened.advanced(41)

    assert opened == Cursor("5:9:6", "12:12:", 0)
    assert walked == Cursor("5:9:6", "12:12:", 41)
    assert walked.closed() == Cursor("12:12:")


def test_closing_without_a_window_changes_nothing() -> None:
    assert Cursor("5:9:6").closed() == Cursor("5:9:6")


def test_lanes_at_the_same_place_have_equal_cursors() -> None:
    assert len({Cursor("5:9:6", "12:12:", 3), Cursor("5:9:6").opened("12:12:").advanced(3)}) == 1
