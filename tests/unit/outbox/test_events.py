"""The canonical body and the registry of event types."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.errors import (
    DuplicateEventType,
    InvalidEventType,
    NotCanonical,
    NotFrozenDataclass,
    UnregisteredEvent,
)
from outbox.events import decode, encode, event, registry, type_of


class Colour(StrEnum):
    RED = "red"


@event("catalog.product.unit_tested.v1", aggregate_type="catalog.product")
@dataclass(frozen=True, slots=True)
class UnitTested:
    product_id: UUID
    amount_minor: int
    at: datetime
    day: date
    colour: Colour
    note: str | None


SAMPLE = UnitTested(
    product_id=UUID("01890000-0000-7000-8000-00000000000A"),
    amount_minor=-150,
    at=datetime(2026, 11, 21, 9, 30, 0, 7, tzinfo=timezone(timedelta(hours=2))),
    day=date(2026, 11, 21),
    colour=Colour.RED,
    note=None,
)
SAMPLE_BODY = (
    b'{"amount_minor":-150,"at":"2026-11-21T07:30:00.000007Z","colour":"red","day":"2026-11-21",'
    b'"note":null,"product_id":"01890000-0000-7000-8000-00000000000a"}'
)


def test_the_body_of_an_event_is_canonical_byte_for_byte() -> None:
    assert encode(SAMPLE) == SAMPLE_BODY


def test_a_whole_second_still_has_six_digits() -> None:
    assert encode({"at": datetime(2026, 1, 1, tzinfo=UTC)}) == b'{"at":"2026-01-01T00:00:00.000000Z"}'


def test_text_is_utf8_and_not_escaped() -> None:
    assert encode({"note": "Zoë 日本"}) == '{"note":"Zoë 日本"}'.encode()


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        Decimal("1.50"),
        b"bytes",
        {1, 2},
        datetime(2026, 1, 1),
        {1: "number as a key"},
        "\ud800",
        object(),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        encode({"value": value})


def test_a_refusal_names_the_place() -> None:
    with pytest.raises(NotCanonical, match=r"path='\$\.lines\[1\]\.price'"):
        encode({"lines": [{"price": 1}, {"price": 0.1}]})


def test_something_that_is_no_event_is_refused() -> None:
    with pytest.raises(NotCanonical):
        encode([1, 2])


def test_the_type_of_an_event_is_the_one_it_was_registered_under() -> None:
    assert type_of(SAMPLE) == "catalog.product.unit_tested.v1"
    assert "catalog.product.unit_tested.v1" in registry
    assert registry["catalog.product.unit_tested.v1"].aggregate_type == "catalog.product"


def test_an_unregistered_class_is_refused() -> None:
    with pytest.raises(UnregisteredEvent, match="Colour"):
        type_of(Colour.RED)


@pytest.mark.parametrize(
    "name",
    [
        "catalog.product.moved",
        "catalog.product.v1",
        "catalog.product.Moved.v1",
        "catalog.product.moved.v0",
        "orders.order.moved.v1",
        "catalog.product.moved.v1.extra",
        "",
    ],
)
def test_an_ill_named_type_fails_at_import(name: str) -> None:
    with pytest.raises(InvalidEventType):
        event(name, aggregate_type="catalog.product")


def test_two_classes_cannot_share_a_type() -> None:
    @dataclass(frozen=True, slots=True)
    class Other:
        number: int

    with pytest.raises(DuplicateEventType):
        event("catalog.product.unit_tested.v1", aggregate_type="catalog.product")(Other)
    assert registry["catalog.product.unit_tested.v1"].event_class is UnitTested


def test_an_event_must_be_a_frozen_dataclass() -> None:
    @dataclass
    class Mutable:
        number: int

    with pytest.raises(NotFrozenDataclass):
        event("catalog.product.mutated.v1", aggregate_type="catalog.product")(Mutable)
    assert "catalog.product.mutated.v1" not in registry


plain_text = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | plain_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_text, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(plain_text, plain))
def test_decoding_gives_back_what_was_encoded(values: dict[str, object]) -> None:
    assert decode(encode(values)) == values


@given(st.dictionaries(plain_text, plain, min_size=2))
def test_the_order_of_keys_does_not_change_the_bytes(values: dict[str, object]) -> None:
    backwards = dict(reversed(list(values.items())))

    assert hashlib.sha256(encode(backwards)).digest() == hashlib.sha256(encode(values)).digest()


@given(plain)
def test_no_floating_point_survives_at_any_depth(value: object) -> None:
    with pytest.raises(NotCanonical):
        encode({"deep": [{"value": value}, [0.5]]})
