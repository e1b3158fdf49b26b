"""Well-known test numbers of card brands, and things that look like one."""

import time

import pytest
from django.conf import settings

from core.card_numbers import contains_card_number, mask


@pytest.mark.parametrize(
    "text",
    [
        "4222222222222",
        "378282246310005",
        "4111111111111111",
        "6011000990139424",
        "6304000000000000000",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "\uff14111111111111111",
        "pay with 4111 1111 1111 1111 12/28 please",
        "4111111111111111 1228",
        "0000 4111111111111111",
        "tok_4111111111111111",
        "4111111111111111,5555555555554444",
    ],
)
def test_a_card_number_is_found(text):
    assert contains_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111111111111112",
        "411111111111",
        "41111111111111111111",
        "card4111111111111111",
        "2026-11-21 13:33:43.123456+00:00",
        "4111.1111.1111.1111",
        "41111111-1111-1111-1111-111111111111",
        "0000000000000000",
        "0004111111111111111",
        "cD0yMDI2LTExLTIxKzEzJTNBMzM=",
    ],
)
def test_what_only_looks_like_one_is_let_pass(text):
    assert not contains_card_number(text)
    assert mask(text) == text


def test_a_masked_number_keeps_its_last_four_digits_and_its_surroundings():
    text = "card 4111-1111-1111-1111 of order 41111111-1111-1111-1111-111111111111, then 5555555555554444."

    assert mask(text) == ("card ************1111 of order 41111111-1111-1111-1111-111111111111, then ************4444.")


@pytest.mark.parametrize("part", ["1", "1 ", "12 ", "1-a", "4111-", "4111 1111 1111 1112 a ", "{}-" * 5])
def test_looking_through_the_largest_body_takes_no_long_time(part):
    text = part * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE // len(part))

    started = time.process_time()
    contains_card_number(text)

    assert time.process_time() - started < 1.0
