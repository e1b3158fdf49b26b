"""The whole OpenAPI document, fuzzed: whatever is sent, no 5xx, no status, type or shape that is not documented.

A few cases of each operation in every run, the same each time; over 10,000 different ones in `make test-full`. Half of
the ids that are well formed are replaced by ids of things that exist, or nearly everything would end at 404.
"""

import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup

from core.env import env
from tests.e2e.test_authority import Estate, staff

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/openapi.yaml"
NAMES = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
CASES_AT_LEAST = 10_000
# Tokens that end by themselves: an order must not stay pending behind these tests.
SETTLING_TOKENS = {"boleto": "tok_boleto_paid"}

SCHEMA = schemathesis.openapi.from_path(DOCUMENT)
SCHEMA.config.generation.update(modes=list(GenerationMode), with_security_parameters=False)
checks: list[Any] = [CHECKS.get_one(name) for name in NAMES]
sent: Counter[str] = Counter()
bounded = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False)


class Fuzzer:
    """Somebody of the staff with things of their own, so that requests get past the doors."""

    def __init__(self) -> None:
        self.estate, member = Estate(), staff()
        self.tokens = {True: token_of(self.estate.shop), False: token_of(member)}
        self.session = requests.Session()

    def send(self, case: schemathesis.Case) -> None:
        seed = uuid.uuid5(uuid.NAMESPACE_URL, repr((case.path_parameters, case.body))).int
        case.path_parameters = self._existing(case.path_parameters, seed)
        case.body = self._existing(case.body, seed >> 8)
        if seed % 8 and "Idempotency-Key" in (case.headers or {}):
            # The same key with another body is refused before anything else is looked at.
            case.headers["Idempotency-Key"] = uuid.uuid4().hex
        sent[case.operation.label] += 1
        self.ask(case, is_owner=bool(seed % 2))

    def ask(self, case: schemathesis.Case, *, is_owner: bool) -> None:
        """Send the request as it is and check the answer, which raises FailureGroup."""
        headers = {"Authorization": self.tokens[is_owner]} if "security" in case.operation.definition.raw else {}
        case.call_and_validate(env.str("WEB_URL"), self.session, headers, checks)

    def _existing(self, value: Any, seed: int) -> Any:
        """The value with some of its ids replaced by ones of things that exist, and tokens by ones that settle."""
        if isinstance(value, list):
            return [self._existing(item, seed >> 1) for item in value]
        if not isinstance(value, dict):
            return value
        known = {**self.estate.ids, "id": self.estate.ids["pk"], "product_id": self.estate.ids["pk"]}
        known |= {"user_id": str(self.estate.shop.user.id)}
        found = {name: self._existing(item, seed >> 1) for name, item in value.items()}
        for name in known.keys() & found.keys():
            if seed % 2 and is_uuid(found[name]):
                found[name] = known[name]
        if isinstance(found.get("token"), str) and found["token"].startswith("tok_"):
            found["token"] = SETTLING_TOKENS.get(str(found.get("method")), "tok_approve")
        if "url" in found:
            # An endpoint that could be called would be told of everything the other tests do.
            found["url"] = "ftp://127.0.0.1/"
        return found


def is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False


def token_of(shop: Any) -> str:
    return str(shop.client.headers["Authorization"])


@pytest.fixture(scope="module")
def fuzzer() -> Fuzzer:
    return Fuzzer()


@SCHEMA.parametrize()
@settings(bounded, max_examples=10, derandomize=True)
def test_an_operation_answers_only_what_is_documented(case: schemathesis.Case, fuzzer: Fuzzer):
    fuzzer.send(case)


@pytest.mark.full
@SCHEMA.parametrize()
@settings(bounded, max_examples=400)
def test_an_operation_answers_only_what_is_documented_however_long_it_is_asked(case: schemathesis.Case, fuzzer: Fuzzer):
    fuzzer.send(case)


@pytest.mark.full
def test_that_were_many_cases():
    print(f"{sum(sent.values())} cases of {len(sent)} operations")
    assert sum(sent.values()) >= CASES_AT_LEAST, sent


@pytest.mark.parametrize("missing", ["404", "application/problem+json"])
def test_an_answer_that_is_not_documented_is_noticed(fuzzer: Fuzzer, missing: str):
    document = yaml.safe_load(DOCUMENT.read_text())
    responses = document["paths"]["/api/v1/orders/{order_id}"]["get"]["responses"]
    if missing == "404":
        del responses["404"]
    else:
        responses["404"]["content"] = responses["200"]["content"]
    operation = schemathesis.openapi.from_dict(document)["/api/v1/orders/{order_id}"]["GET"]

    with pytest.raises(FailureGroup):
        fuzzer.ask(operation.Case(path_parameters={"order_id": str(uuid.UUID(int=0))}), is_owner=True)
