"""What is a card number and what is not, for any number, any grouping and any id."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from core.card_numbers import contains_card_number, mask
from core.ids import new_id

SEPARATORS = st.sampled_from(["", " ", "-", "--", "\u00a0", "\u2013"])
BEFORE = st.sampled_from(["", " ", "_", ".", "/", '"', "=", "card: ", "no. ", "\n", "é "])
AFTER = st.sampled_from(["", " ", "_", ".", "/", '"', "&", " is it", " é", "\n"])


def check_digit(digits: str) -> str:
    """The digit that makes these digits satisfy Luhn, by the textbook: double every second from the right."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value // 10 + value % 10
    return str(-total % 10)


card_numbers = st.from_regex(r"[1-9][0-9]{11,17}", fullmatch=True).map(lambda digits: digits + check_digit(digits))


@st.composite
def written_cards(draw: st.DrawFn) -> tuple[str, str]:
    """A card number and a way to write it."""
    number = draw(card_numbers)
    separators = draw(st.lists(SEPARATORS, min_size=len(number) - 1, max_size=len(number) - 1))
    return number, number[0] + "".join(gap + digit for gap, digit in zip(separators, number[1:], strict=True))


@given(written_cards(), BEFORE, AFTER)
def test_a_card_number_is_found_however_it_is_written(card, before, after):
    _, written = card

    assert contains_card_number(before + written + after)


@given(written_cards(), BEFORE, AFTER)
def test_masked_text_holds_no_card_number_and_not_its_digits(card, before, after):
    _, written = card

    masked = mask(before + written + after)

    assert not contains_card_number(masked)
    assert sum(character.isdigit() for character in masked) == 4
    assert masked.startswith(before)
    assert masked.endswith(after)


@given(card_numbers, st.integers(1, 9))
def test_another_check_digit_makes_it_no_card_number(number, added):
    other = number[:-1] + str((int(number[-1]) + added) % 10)

    assert not contains_card_number(other)
    assert mask(other) == other


decimal_uuids = st.text("0123456789", min_size=32, max_size=32).map(lambda digits: str(uuid.UUID(digits)))
any_uuids = st.one_of(st.uuids().map(str), st.builds(lambda: str(new_id())), decimal_uuids)


@given(any_uuids, st.sampled_from(["{}", "/api/v1/orders/{}/lines", "urn:uuid:{}", "evt_{}", "ids={},{}"]))
def test_no_uuid_is_taken_for_a_card_number(identifier, place):
    text = place.format(identifier, identifier.upper())

    assert not contains_card_number(text)
    assert mask(text) == text


@given(card_numbers, st.sampled_from("aZé0"))
def test_digits_inside_a_word_are_no_card_number(number, letter):
    inside = f"{letter}{number}{letter}"

    assert contains_card_number(inside) == (letter == "0" and contains_card_number(f"0{number}0"))


@given(st.binary(min_size=16, max_size=16))
def test_hexadecimal_ids_are_no_card_numbers_unless_all_of_their_digits_are_decimal(raw):
    assert not contains_card_number(raw.hex())
