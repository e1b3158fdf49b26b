"""Who may do what, for every route of the URL table and every kind of caller.

Of the checklist: 1 (another's object looks like a missing one), 3 (nested ids), 6 (staff routes), 7 (OPTIONS), 40
(nobody signed in). A route or method that these tests do not know how to call fails them. 2 is in test_lists.py, 4 in
test_purchase.py and test_accounts.py, 5 in test_order_lines.py.
"""

import re
import uuid
from typing import Any

import httpx
import pytest

from core.accounts.models import User
from core.env import env
from core.payments.models import PaymentOperation, Voucher
from tests.e2e.routes import BODIES, Endpoint, endpoints
from tests.storefront import Storefront

ENDPOINTS = endpoints()
# Open to everybody; anything else that is not listed here must ask who is calling.
PUBLIC = {
    "POST accounts",
    "POST tokens",
    "POST tokens/refresh",
    "POST tokens/revoke",
    "GET products",
    "GET products/<uuid:pk>",
    # The signature is the authentication.
    "POST webhooks/<str:provider>",
}
STAFF_ONLY = {
    "POST wallets/deposits",
    "POST vouchers",
    "POST orders/<uuid:order_id>/ship",
    "POST payments/<uuid:payment_id>/capture",
    "POST payments/<uuid:payment_id>/void",
    "POST payments/<uuid:payment_id>/refunds",
    "POST disputes/<uuid:dispute_id>/evidence",
    "GET operations/needing-attention",
    "POST operations/<uuid:operation_id>/resolve",
    "GET webhook-endpoints",
    "POST webhook-endpoints",
    "GET webhook-endpoints/<uuid:endpoint_id>",
    "PATCH webhook-endpoints/<uuid:endpoint_id>",
    "DELETE webhook-endpoints/<uuid:endpoint_id>",
    "GET webhook-deliveries",
    "GET webhook-deliveries/<uuid:delivery_id>",
    "POST webhook-deliveries/<uuid:delivery_id>/replay",
    "GET ledger/provider-references/<str:provider>/<path:reference>",
    "GET ledger/accounts/<str:account>/balance",
    "GET ledger/balances",
    "GET ledger/settlement-breaks",
    "POST ledger/settlement-breaks/<uuid:break_id>/resolve",
    "GET ledger/verifications",
    "GET ledger/seals",
    "GET ledger/totals",
    "GET ledger/completeness",
}
# Whoever has the code may see what it is worth.
BEARER = {"GET vouchers/<str:code>"}
# Ids of things that an Estate has none of.
NONE_THERE = ("dispute_id", "endpoint_id", "delivery_id", "reference", "break_id")
PRIVATE = [endpoint for endpoint in ENDPOINTS if str(endpoint) not in PUBLIC]
OWNED = [each for each in PRIVATE if each.ids and str(each) not in STAFF_ONLY | BEARER]


class Estate:
    """Somebody with one of everything: a draft, a paid order, its payment and operation, a voucher."""

    def __init__(self) -> None:
        self.shop = Storefront(wallet_minor=100_000)
        product = self.shop.product(price_minor=500)
        self.draft, paid = self.shop.order(product), self.shop.order(product)
        self.shop.pay_by_card(paid, "tok_approve")
        self.paid = self.shop.settled(paid)
        payment_id = self.paid["payments"][0]["id"]
        self.ids = {
            "order_id": self.draft,
            "line_id": self.shop.read(self.draft)["lines"][0]["id"],
            "payment_id": payment_id,
            "operation_id": str(PaymentOperation.objects.filter(payment_id=payment_id).values_list("id", flat=True)[0]),
            # Of these there are none, which staff is told and others are not.
            "dispute_id": str(uuid.uuid4()),
            "endpoint_id": str(uuid.uuid4()),
            "delivery_id": str(uuid.uuid4()),
            "break_id": str(uuid.uuid4()),
            "code": voucher_code(),
            "pk": str(product.id),
            "provider": "simulator",
            "reference": f"none_{uuid.uuid4().hex}",
            "account": "revenue",
        }
        self.words = {"{product}": str(product.id), "{user}": str(self.shop.user.id)}

    def seen(self) -> list[Any]:
        """Everything of theirs that somebody else could have changed."""
        return [self.shop.read(self.draft), self.shop.read(self.paid["id"]), self.shop.balance_minor()]


def voucher_code() -> str:
    answer = staff().client.post(
        "vouchers", json={"amount_minor": 100, "currency": "GBP"}, headers={"Idempotency-Key": uuid.uuid4().hex}
    )
    assert answer.status_code == 201, answer.text
    return str(Voucher.objects.get(pk=answer.json()["id"]).code)


def staff() -> Storefront:
    shop = Storefront(wallet_minor=100)
    User.objects.filter(pk=shop.user.id).update(is_staff=True)
    return shop


def call(client: httpx.Client, endpoint: Endpoint, ids: dict[str, str], words: dict[str, str]) -> httpx.Response:
    body = filled(BODIES[str(endpoint)], words) if endpoint.method != "GET" else None
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    return client.request(endpoint.method, endpoint.path(ids), json=body, headers=headers)


def filled(body: Any, words: dict[str, str]) -> Any:
    """The body with the words in braces replaced."""
    if isinstance(body, dict):
        return {name: filled(value, words) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, words) for value in body]
    return words.get(body, body) if isinstance(body, str) else body


@pytest.fixture(scope="module")
def estate() -> Estate:
    return Estate()


@pytest.fixture(scope="module")
def own_estate() -> Estate:
    """One that its owner and staff use."""
    return Estate()


@pytest.fixture(scope="module")
def stranger() -> Storefront:
    return Storefront(wallet_minor=100_000)


@pytest.fixture(scope="module")
def member_of_staff() -> Storefront:
    return staff()


def test_every_route_is_known_and_the_lists_name_only_routes():
    known = {str(endpoint) for endpoint in ENDPOINTS}

    assert {str(endpoint) for endpoint in ENDPOINTS if endpoint.method != "GET"} == set(BODIES)
    assert known >= (PUBLIC | STAFF_ONLY | BEARER)
    assert len(ENDPOINTS) > 30


@pytest.mark.parametrize("endpoint", PRIVATE, ids=str)
def test_nobody_is_told_anything_without_a_token(estate: Estate, endpoint: Endpoint):
    before = estate.seen()
    with httpx.Client(base_url=estate.shop.client.base_url) as nobody:
        answer = call(nobody, endpoint, estate.ids, estate.words)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert estate.seen() == before


@pytest.mark.parametrize("endpoint", OWNED, ids=str)
def test_what_belongs_to_another_looks_like_what_is_missing(estate: Estate, stranger: Storefront, endpoint: Endpoint):
    before = estate.seen()
    missing_ids = {name: str(uuid.uuid4()) for name in estate.ids}

    anothers = call(stranger.client, endpoint, estate.ids, estate.words)
    missing = call(stranger.client, endpoint, missing_ids, estate.words)

    assert (anothers.status_code, missing.status_code) == (404, 404)
    assert without_ids(anothers.json()) == without_ids(missing.json())
    assert sorted(anothers.headers) == sorted(missing.headers)
    assert estate.seen() == before


def without_ids(document: dict[str, Any]) -> dict[str, Any]:
    text = r"[0-9a-f]{8}-[0-9a-f-]{27}"
    return {name: re.sub(text, "id", value) if isinstance(value, str) else value for name, value in document.items()}


@pytest.mark.parametrize("endpoint", [each for each in PRIVATE if str(each) in STAFF_ONLY], ids=str)
def test_what_is_for_staff_is_for_nobody_else_not_even_the_owner(
    estate: Estate, stranger: Storefront, endpoint: Endpoint
):
    before = estate.seen()

    answers = [call(shop.client, endpoint, estate.ids, estate.words) for shop in (estate.shop, stranger)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "permission_denied")] * 2
    assert estate.seen() == before


@pytest.mark.parametrize("endpoint", PRIVATE, ids=str)
def test_owners_and_staff_get_in(own_estate: Estate, member_of_staff: Storefront, endpoint: Endpoint):
    """The tests above would pass if nobody got in anywhere."""
    client = member_of_staff.client if str(endpoint) in STAFF_ONLY else own_estate.shop.client

    answer = call(client, endpoint, own_estate.ids, own_estate.words)

    nothing_there = endpoint.name == "operation-resolve" or set(NONE_THERE) & set(endpoint.ids)
    assert answer.status_code == 404 if nothing_there else answer.status_code not in (401, 404, 405), answer.text
    # A wrong old password is the only thing an owner is forbidden.
    assert answer.status_code != 403 or answer.json()["code"] == "wrong_password"
    own_estate.shop.settled(own_estate.paid["id"])


@pytest.mark.parametrize("endpoint", endpoints(implemented=False), ids=str)
def test_a_method_that_a_route_does_not_have_is_refused(
    estate: Estate, member_of_staff: Storefront, endpoint: Endpoint
):
    answer = member_of_staff.client.request(endpoint.method, endpoint.path(estate.ids), json={})

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert endpoint.method not in answer.headers["Allow"]


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.method == "POST"], ids=str)
def test_options_tell_no_fields(estate: Estate, member_of_staff: Storefront, endpoint: Endpoint):
    answer = member_of_staff.client.options(endpoint.path(estate.ids))

    assert answer.status_code == 405
    assert "actions" not in answer.text


def test_an_id_of_ones_own_opens_nothing_of_anothers(estate: Estate, stranger: Storefront):
    own = stranger.order(stranger.product())
    line = estate.ids["line_id"]

    answers = [
        stranger.client.patch(f"orders/{own}/lines/{line}", json={"quantity": 9}),
        stranger.client.delete(f"orders/{own}/lines/{line}"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert estate.shop.read(estate.draft)["lines"][0]["quantity"] == 1


def test_the_admin_asks_who_is_there():
    answer = httpx.get(f"{env.str('WEB_URL')}/admin/")

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")
