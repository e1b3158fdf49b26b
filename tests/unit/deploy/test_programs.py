"""The programs of a stack."""

from pathlib import Path

import pytest

from deploy.local.environment import ensure_secrets
from deploy.local.layout import Layout
from deploy.local.programs import PROGRAMS, Program, app_programs, prioritized


def test_the_provider_tells_this_stack_s_web_and_no_process_list_shows_the_secret(tmp_path: Path) -> None:
    layout = Layout(name="dev", port_base=20000, root=tmp_path)
    secret = ensure_secrets(layout)["webhook"]

    [provider] = [program for program in app_programs(layout) if program.name == "provider"]

    address = provider.command[provider.command.index("--webhook-url") + 1]
    assert address == "http://127.0.0.1:20000/api/v1/webhooks/simulator"
    assert provider.environment == {"PROVIDER_WEBHOOK_SECRETS": secret}
    assert secret not in " ".join(provider.command)


@pytest.mark.parametrize(
    ("stack", "yielding"),
    [
        ("bench-checkout", {"relay", "ledger", "kafka", "cassandra"}),
        ("bench-ledger", set()),
        ("dev", set()),
        ("test", set()),
    ],
)
def test_what_only_copies_orders_gives_way_where_the_taking_of_orders_is_measured(
    stack: str, yielding: set[str]
) -> None:
    programs = [prioritized(Program(name, ["true"]), stack) for name in PROGRAMS]

    assert {program.name for program in programs if "/usr/bin/nice" in program.guarded_command} == yielding
