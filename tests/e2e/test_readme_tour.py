"""The README's tour, run as it is written: its shell blocks against the running stack, and what they print."""

import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.control import Stack
from tests import document_blocks
from tests.storefront import Storefront

STEPS = ["account", "buy", "refund", "capture", "unknown", "look", "break", "prove"]
LOOKED_AT = ["payment.created", "attempt.unknown", "payment.authorized", "payment.captured"]
PRICE_MINOR = 750
UNTESTED_BLOCK = re.compile(r"(?<!-->\n)```bash\n(.*?)```", re.DOTALL)

# Verifies only days that no other test damages.
MAKE = """
make() {
    case $1 in
        cqlsh | stop | start) command make "$@" LOCAL="$LOCAL_COMMAND" ;;
        staff) command make "$@" MANAGE=".venv/bin/python manage.py" ;;
        verify) command make "$@" ARGS="--from $YESTERDAY" MANAGE=".venv/bin/python manage.py" ;;
        *) echo "the tour's test knows no make $1" >&2; return 1 ;;
    esac
}
"""


def tour_of(readme: str) -> dict[str, str]:
    """Step → shell text, in the order of the README."""
    return document_blocks.blocks_of(readme, "tour")


def run(steps: Mapping[str, str], folder: Path) -> dict[str, str]:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    return document_blocks.run(steps, folder, make=MAKE, names={"YESTERDAY": yesterday})


def check(printed: Mapping[str, str]) -> None:
    """Every step that was run printed what the README says."""
    assert '"email":"ada-' in printed["account"]
    assert printed["buy"].splitlines()[0] == "pending"
    assert '"payment_status": "paid"' in printed["buy"]
    assert '"fulfilment_status": "confirmed"' in printed["buy"]
    assert re.search(rf'"total": {{\s+"amount_minor": {PRICE_MINOR},', printed["buy"])
    if "refund" in printed:
        assert printed["refund"].split("\n")[1:4] == ["refund requested", "succeeded 200", "409 refund_exceeds_capture"]
    if "capture" in printed:
        assert printed["capture"].split("\n")[:5] == ["pending", "capture 60", "60", "cancelled", "refunded"]
    if "unknown" in printed:
        assert printed["unknown"].splitlines()[:3] == ["pending", "pending unknown", "authorize succeeded 2"]
    if "look" in printed:
        by_cqlsh, by_api = printed["look"].split("(4 rows)")
        assert re.findall(r"payments\.(\w+\.\w+)\.v1", by_cqlsh) == LOOKED_AT
        assert re.findall(r'"payments\.(\w+\.\w+)\.v1"', by_api) == LOOKED_AT
    if "break" in printed:
        lines = printed["break"].splitlines()
        assert [line for line in lines if line.startswith("paid")] == ["paid False", "paid True"]
    if "prove" in printed:
        assert "the stores agree" in printed["prove"]


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A stack with something to buy, whole again afterwards."""
    assert shutil.which("curl"), "the tour needs curl: apt-get install curl"
    Storefront().product(price_minor=PRICE_MINOR, stock=100)
    running = Stack.from_env()
    yield running
    running.start("cassandra")


@pytest.fixture
def readme() -> str:
    return (document_blocks.ROOT / "README.md").read_text()


def test_the_tour_of_the_readme_does_what_it_says(stack: Stack, readme: str, tmp_path: Path) -> None:
    steps = tour_of(readme)

    assert list(steps) == STEPS
    check(run(steps, tmp_path))


def test_what_the_tour_does_not_run_is_make_alone(readme: str) -> None:
    lines = [line for block in UNTESTED_BLOCK.findall(readme) for line in block.splitlines()]

    assert lines
    assert [line for line in lines if not re.match(r"make [a-z]+\b", line)] == []


@pytest.mark.parametrize(
    ("written", "altered"),
    [
        ('quantity\\": 1', 'quantity\\": 2'),
        ("/checkout", "/check-out"),
        ("['payment_status']\"", "['payment_state']\""),
        ("quantity", "pieces"),
    ],
)
def test_a_tour_that_is_wrong_is_noticed(stack: Stack, readme: str, tmp_path: Path, written: str, altered: str) -> None:
    steps = tour_of(readme)
    wrong = {name: steps[name].replace(written, altered) for name in STEPS[:2]}
    assert wrong != {name: steps[name] for name in STEPS[:2]}

    with pytest.raises(AssertionError):
        check(run(wrong, tmp_path))


def test_a_step_that_lost_its_mark_is_noticed(readme: str) -> None:
    assert list(tour_of(readme.replace("<!-- tour: break -->\n", ""))) != STEPS
