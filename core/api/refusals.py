"""Refuses before any view what must not get in by address or header: text no store could keep, and card numbers.

Bodies are looked at where they are parsed, in core.api.parsing.
"""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponse

from core.api.problems import bad_request, plain_problem
from core.card_numbers import contains_card_number
from core.errors import AppError

# Headers whose value is stored or logged.
KEPT_HEADERS = ("Idempotency-Key",)


class CardNumberRefused(AppError):
    """There is a card number in the request, and none may come here."""

    code = "card_number_refused"

    def __init__(self) -> None:
        super().__init__("Send the payment provider's token of the card instead; nothing was kept of this request.")


class AddressRefusals:
    """400 for a path, query or kept header with NUL, with bytes that are no UTF-8, or with a card number."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            query = unquote_to_bytes(request.META.get("QUERY_STRING", "").replace("+", " ")).decode()
        except UnicodeDecodeError as error:
            return bad_request(request, error)
        kept = [request.path, query, *(request.headers.get(name, "") for name in KEPT_HEADERS)]
        if any("\x00" in text for text in kept):
            return bad_request(request, ValueError("NUL"))
        if any(contains_card_number(text) for text in kept):
            return plain_problem(CardNumberRefused(), request)
        return self.get_response(request)
