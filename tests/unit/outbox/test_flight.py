"""The cursor may move only over pages that were acknowledged completely and in order."""

from confluent_kafka import KafkaError

from outbox.relay.cursor import Cursor
from outbox.relay.flight import PAGES_MAX, Flight, Flights


def flight(last_id: int, messages: int) -> Flight:
    made = Flight([], Cursor("5:5:", "9:9:", last_id), last_id)
    made.messages = messages
    return made


def test_a_page_behind_an_unacknowledged_one_does_not_land() -> None:
    flights, first, second = Flights(), flight(10, 2), flight(20, 1)
    flights.add(first)
    flights.add(second)

    second(None, None)
    first(None, None)

    assert flights.landed() == []
    first(None, None)
    assert flights.landed() == [first, second]
    assert not flights


def test_a_failed_message_keeps_its_page_from_landing() -> None:
    flights, page = Flights(), flight(10, 2)
    flights.add(page)

    page(None, None)
    page(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), None)

    assert flights.landed() == []
    error = flights.failure()
    assert error is not None
    assert error.code() == KafkaError.MSG_SIZE_TOO_LARGE


def test_the_first_error_of_a_page_is_kept() -> None:
    page = flight(10, 2)

    page(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), None)
    page(KafkaError(KafkaError._PURGE_QUEUE), None)

    assert page.error is not None
    assert page.error.code() == KafkaError.MSG_SIZE_TOO_LARGE


def test_abandoning_tells_how_far_the_pages_went() -> None:
    flights = Flights()
    flights.add(flight(30, 1))
    flights.add(flight(20, 1))

    assert flights.abandon() == 30
    assert not flights
    assert flights.abandon() == 0


def test_there_is_room_for_four_pages() -> None:
    flights = Flights()
    for number in range(PAGES_MAX):
        assert flights.have_room()
        flights.add(flight(number, 1))

    assert not flights.have_room()


def test_a_page_whose_messages_are_all_parked_lands_at_once() -> None:
    flights, page = Flights(), flight(10, 0)
    flights.add(page)

    assert flights.landed() == [page]
