"""docs/analytics.md, run as it is written: its marked blocks against the running stack, and what they print."""

import re
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tests import document_blocks
from tests.factories.ledger_events import insert_history, own_noon, record
from tests.factories.ledger_story import story

BLOCKS = ["order", "payment", "reference", "block", "sealed", "query", "export", "ask", "duckdb"]
FENCE = re.compile(r"```bash\n")

MAKE = """
make() { command make "$@" LOCAL="$LOCAL_COMMAND"; }
"""


def blocks_of(document: str) -> dict[str, str]:
    return document_blocks.blocks_of(document, "run")


def run(blocks: Mapping[str, str], folder: Path, names: Mapping[str, str]) -> dict[str, str]:
    own = {
        "LOG_LEVEL": "ERROR",
        "LEDGER": ".venv/bin/python manage.py ledger",
        "EXPORT": str(folder / "export"),
        "LEDGER_EXPORT_FOLDER": str(folder / "export"),
    }
    return document_blocks.run(blocks, folder, make=MAKE, names={**own, **names})


@pytest.fixture
def names() -> dict[str, str]:
    """The document's names, for a card payment of three events after a noon of its own."""
    noon, buyer, reference = own_noon(), uuid4(), f"auth-{uuid4().hex[:8]}"
    bodies = story(
        [("created", 4200), ("authorized", 4200), ("captured", 4200)],
        begins=noon, user_id=buyer, provider_ref=reference, payment_created_at=f"{noon:%Y-%m-%dT%H:%M:%S.%fZ}",
    )  # fmt: skip
    insert_history(bodies)
    record(bodies)
    return {
        "DAY": str(noon.date()),
        "MONTH": f"{noon:%Y%m}",
        "ORDER": bodies[0]["order_id"],
        "PAYMENT": bodies[0]["payment_id"],
        "BUYER": str(buyer),
        "REFERENCE": reference,
        "BUCKET": str(bodies[0]["bucket"]),
    }


@pytest.fixture
def document() -> str:
    return (document_blocks.ROOT / "docs/analytics.md").read_text()


def check(printed: Mapping[str, str], names: Mapping[str, str]) -> None:
    """Every block that was run printed what the document says."""
    assert re.findall(r"payments\.(\w+\.\w+)\.v1", printed["order"]) == [
        "payment.created", "payment.authorized", "payment.captured",
    ]  # fmt: skip
    if len(printed) == 1:
        return
    assert printed["payment"].count("captured |") == 2
    assert printed["payment"].count("(1 rows)") == 2
    assert names["PAYMENT"] in printed["reference"]
    assert names["ORDER"] in printed["reference"]
    assert "(3 rows)" in printed["block"]
    assert printed["block"].count("4200 |") == 3
    assert "seal_no" in printed["sealed"]
    assert "booking_day" in printed["sealed"]
    assert printed["query"].count("payments.payment.captured.v1") == 2
    assert f"would write {names['DAY']}, unsealed" in printed["export"]
    assert "1 days written" in printed["export"]
    assert re.search(r"^card +GBP +4200 +0 +0 +0 +4200$", printed["ask"], re.MULTILINE)
    assert '"balance_minor": 4200' in printed["ask"]
    assert "payments.payment.captured.v1" in printed["duckdb"]
    assert "countinghouse.digest" in printed["duckdb"]


def test_every_block_does_what_the_document_says(document: str, names: dict[str, str], tmp_path: Path) -> None:
    blocks = blocks_of(document)

    assert list(blocks) == BLOCKS
    check(run(blocks, tmp_path, names), names)


def test_every_block_but_the_list_of_names_is_run(document: str) -> None:
    assert len(FENCE.findall(document)) == len(BLOCKS) + 1
    assert list(blocks_of(document.replace("<!-- run: block -->\n", ""))) != BLOCKS


def test_a_block_that_is_wrong_is_noticed(document: str, names: dict[str, str], tmp_path: Path) -> None:
    block = {"order": blocks_of(document)["order"].replace("order_id =", "payment_id =")}

    with pytest.raises(AssertionError):
        check(run(block, tmp_path, names), names)
