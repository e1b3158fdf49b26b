"""The programs of a stack."""

from pathlib import Path

from deploy.local.environment import ensure_secrets
from deploy.local.layout import Layout
from deploy.local.programs import app_programs


def test_the_provider_tells_this_stack_s_web_and_no_process_list_shows_the_secret(tmp_path: Path) -> None:
    layout = Layout(name="dev", port_base=20000, root=tmp_path)
    secret = ensure_secrets(layout)["webhook"]

    [provider] = [program for program in app_programs(layout) if program.name == "provider"]

    address = provider.command[provider.command.index("--webhook-url") + 1]
    assert address == "http://127.0.0.1:20000/api/v1/webhooks/simulator"
    assert provider.environment == {"PROVIDER_WEBHOOK_SECRETS": secret}
    assert secret not in " ".join(provider.command)
