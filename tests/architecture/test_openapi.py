"""docs/openapi.yaml is what the code says, and says of every operation what it can answer."""

import re
from pathlib import Path
from typing import Any

import yaml
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from core.errors import ERROR_CODES
from payments_ledger.errors import PoisonEvent

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/openapi.yaml"
# Refusals that no request can cause, with the reason.
NEVER_ANSWERED = {
    "conflict": "a state table was asked for what its callers have ruled out",
    "gateway_not_configured": "the setting is read by workers",
    "ledger_verification_unfinished": "verifications are run by commands and tasks",
    "ledger_already_running": "commands only",
    "ledger_rebuild_refused": "commands only",
    "metrics_token_refused": "by /metrics, which is no operation of the API",
    "settlement_file_unreadable": "commands only",
    "settlement_unavailable": "commands only",
}


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def codes_of(operation: dict[str, Any]) -> set[str]:
    return {
        code
        for status, response in operation["responses"].items()
        if status >= "400"
        for code in re.findall(r"`(\w+)`", response["description"])
    }


def test_the_document_is_what_the_code_says() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    generated = OpenApiYamlRenderer().render(schema, renderer_context={})

    assert DOCUMENT.read_bytes() == generated, "run `make openapi` and commit docs/openapi.yaml"


def test_every_operation_says_what_it_refuses_and_none_says_500() -> None:
    for name, operation in operations(yaml.safe_load(DOCUMENT.read_text())).items():
        statuses = set(operation["responses"])
        assert {"400", "406", "503"} <= statuses, name
        if "security" in operation:
            assert "401" in statuses, name
        assert not [status for status in statuses if status.startswith("5") and status != "503"], name
        if "requestBody" in operation:
            assert {"413", "415"} <= statuses, name
        if "{" in name:
            assert "404" in statuses, name


def test_every_code_that_can_reach_a_client_is_documented_with_an_operation() -> None:
    # Whatever defines an error code is reachable from these.
    import core.urls  # noqa: F401
    import workers.celery  # noqa: F401

    documented = set().union(*map(codes_of, operations(yaml.safe_load(DOCUMENT.read_text())).values()))
    known = {
        code
        for code, error in ERROR_CODES.items()
        if not issubclass(error, PoisonEvent) and not error.__module__.startswith("tests.")
    }

    assert known - documented == set(NEVER_ANSWERED)
