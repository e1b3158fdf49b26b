"""The provider's log: numbered, durable, shared by threads, and honest about a torn last line."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from simulators.operation_log import LogDamaged, OperationLog, Record


def bare(records: list[Record]) -> list[Record]:
    """Records without the time they were written at."""
    return [{field: value for field, value in record.items() if field != "at"} for record in records]


def test_records_are_numbered_and_replayed_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "log.jsonl"
    log = OperationLog(path=path)
    log.append(record={"what": "a"})
    log.append(record={"what": "b"})
    log.close()

    replayed = OperationLog(path=path)

    assert bare(replayed.after(number=0)) == [{"n": 1, "what": "a"}, {"n": 2, "what": "b"}]
    assert bare(replayed.after(number=1)) == [{"n": 2, "what": "b"}]
    assert replayed.append(record={"what": "c"})["n"] == 3


def test_torn_last_line_is_cut_off_and_its_number_used_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n":1,"what":"a"}\n{"n":2,"wh')

    log = OperationLog(path=path)
    log.append(record={"what": "b"})

    assert bare([json.loads(line) for line in path.read_text().splitlines()]) == [
        {"n": 1, "what": "a"},
        {"n": 2, "what": "b"},
    ]


@pytest.mark.parametrize("line", ["{nonsense", "[]", '{"n":7}', ""])
def test_damaged_line_inside_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"n":1}\n' + line + '\n{"n":3}\n')

    with pytest.raises(LogDamaged, match="line 2"):
        OperationLog(path=path)


def test_concurrent_appends_get_every_number_once_and_share_syncs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[int] = []
    real = os.fdatasync

    def counted(fd: int) -> None:
        syncs.append(fd)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", counted)
    log = OperationLog(path=tmp_path / "log.jsonl")

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda what: log.append(record={"what": what})["n"], range(400)))

    assert sorted(numbers) == list(range(1, 401))
    assert [record["n"] for record in log.after(number=0)] == list(range(1, 401))
    assert 1 <= len(syncs) <= 400


def test_record_is_not_shown_before_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = OperationLog(path=tmp_path / "log.jsonl")
    seen_during_sync: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: seen_during_sync.append(len(log.after(number=0))))

    log.append(record={"what": "a"})

    assert seen_during_sync == [0]
    assert len(log.after(number=0)) == 1


def test_waiting_ends_with_the_first_record_beyond_and_not_before(tmp_path: Path) -> None:
    log = OperationLog(path=tmp_path / "log.jsonl")
    log.append(record={"what": "a"})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(log.wait_beyond, number=1, seconds_max=20)

        started = time.monotonic()
        log.wait_beyond(number=1, seconds_max=0.1)
        waited_in_vain = time.monotonic() - started
        was_waiting = not waiting.done()
        log.append(record={"what": "b"})
        waiting.result(timeout=5)

    assert (waited_in_vain >= 0.1, was_waiting) == (True, True)
