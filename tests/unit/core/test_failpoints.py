"""Failpoints kill at the named pass, only when both variables say so, and are never misspelt in silence."""

import ast
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.failpoints import POINTS, UnknownFailpoint, arm, failpoint

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import core.settings.failpoints
from core.failpoints import failpoint
for number in range(1, 4):
    failpoint("operation.called")
    failpoint("operation.claimed")
    print(number, flush=True)
"""


def run(**variables: str) -> tuple[int, str, str]:
    environment = {**os.environ, "SECRET_KEY": "x", **variables}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.replace("\n", ""), done.stderr


def test_the_process_ends_at_the_named_place_and_pass():
    assert run(ALLOW_FAILPOINTS="true", FAILPOINT="operation.claimed")[:2] == (137, "")
    assert run(ALLOW_FAILPOINTS="true", FAILPOINT="operation.claimed:3")[:2] == (137, "12")


def test_nothing_happens_without_both_variables():
    assert run(FAILPOINT="operation.claimed")[:2] == (0, "123")
    assert run(ALLOW_FAILPOINTS="true")[:2] == (0, "123")
    assert run(ALLOW_FAILPOINTS="false", FAILPOINT="operation.claimed")[:2] == (0, "123")


def test_a_name_that_is_not_listed_stops_the_start():
    code, _, errors = run(ALLOW_FAILPOINTS="true", FAILPOINT="operation.claimd")

    assert (code, "UnknownFailpoint" in errors) == (1, True)


@pytest.mark.parametrize("specification", ["", "nowhere", "operation.claimed:0", "operation.claimed:x", ":1"])
def test_what_names_no_pass_of_a_listed_place_cannot_be_armed(specification):
    with pytest.raises(UnknownFailpoint):
        arm(specification)


def test_a_call_with_a_name_that_is_not_listed_fails():
    with pytest.raises(UnknownFailpoint):
        failpoint("nowhere")


def called() -> Counter[str]:
    """Names given to failpoint() in the source."""
    return Counter(
        ast.literal_eval(node.args[0])
        for path in (ROOT / "core").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoint"
    )


def test_every_listed_place_is_in_the_code_once_and_no_other():
    assert called() == Counter(POINTS.keys())
