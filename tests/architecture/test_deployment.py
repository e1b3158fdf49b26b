"""Settings of production: nothing that Django warns of, no start without a secret (rows 45, 46 and 49)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "SECRET_KEY": "a key of more than fifty characters, among them 0123456789 and others",
    "DEBUG": "false",
    "SERVED_OVER_TLS": "true",
    "TRUSTED_PROXIES": "1",
}


def check_deploy(tmp_path: Path, **changed: str | None) -> subprocess.CompletedProcess[str]:
    """`manage.py check --deploy` where nothing is set but this; None leaves a variable out."""
    nothing = tmp_path / "env"
    nothing.write_text("")
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    values = {name: value for name, value in {**PRODUCTION, **changed}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**inherited, **values, "ENV_FILE": str(nothing)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_deployment_has_nothing_that_django_warns_of(tmp_path):
    done = check_deploy(tmp_path)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "security.W009"),
        ({"DEBUG": "true"}, "DEBUG=true shows source code"),
        ({"SERVED_OVER_TLS": "false"}, "security.W004"),
    ],
)
def test_a_careless_deployment_does_not_pass(tmp_path, changed, said):
    done = check_deploy(tmp_path, **changed)

    assert done.returncode != 0
    assert said in done.stderr


def test_workers_take_no_pickles():
    assert settings.CELERY_ACCEPT_CONTENT == ["json"]
