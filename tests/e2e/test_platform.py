"""What every answer tells browsers, and what none tells anybody (rows 42, 43, 44, 47 of the checklist)."""

import httpx
import pytest

from core.env import env
from tests.storefront import Storefront

BASE = env.str("WEB_URL")


@pytest.mark.parametrize("path", ["/api/v1/products", "/api/v1/orders", "/api/docs", "/admin/login/", "/nothing"])
def test_every_answer_forbids_frames_and_guessing_of_types(path):
    headers = httpx.get(f"{BASE}{path}").headers

    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/livez", "/api/v1/products", "/admin/"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:1@evil.example"])
def test_another_host_than_ours_is_refused(path, host):
    answer = httpx.get(f"{BASE}{path}", headers={"Host": host})

    assert answer.status_code == 400
    assert host not in answer.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", BASE])
def test_no_other_site_may_read_our_answers(origin):
    client = Storefront().client
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}

    answers = [client.get("orders", headers={"Origin": origin}), client.options("orders", headers=preflight)]

    for answer in answers:
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("path", ["/__debug__/", "/.env", "/.git/config", "/static/../manage.py", "/api/v2/orders"])
def test_what_is_not_there_is_a_plain_problem(path):
    answer = httpx.get(f"{BASE}{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "Traceback" not in answer.text
    assert "core." not in answer.text


def test_a_request_id_is_the_callers_if_it_is_harmless_and_ours_otherwise():
    given = httpx.get(f"{BASE}/livez", headers={"X-Request-Id": "order-17.a_b"}).headers["X-Request-Id"]
    others = [
        httpx.get(f"{BASE}/livez", headers={"X-Request-Id": bad}).headers["X-Request-Id"]
        for bad in ("x" * 65, "a b", "<script>", "4111111111111111")
    ]

    assert given == "order-17.a_b"
    assert len(set(others)) == 4
    assert not {"x" * 65, "a b", "<script>", "4111111111111111"} & set(others)
