"""Every way a worker is started, with Cassandra up or down at boot: no hang, and LOCAL_QUORUM from every child."""

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings as live

from deploy.local.layout import PYTHON
from tests.factories.ledger_events import canonical, history_of_payment, insert_history, own_noon, record
from tests.fakes.cql_proxy import Proxy
from tests.waiting import eventually
from workers.celery import app

PROJECT = Path(__file__).resolve().parents[3]
MATRIX = [(pool, at_boot) for pool in ("prefork", "threads", "solo") for at_boot in ("up", "down")]
PROCESSES = {"prefork": 2, "threads": 1, "solo": 1}
HANG_SECONDS = 5.0


@dataclass
class Worker:
    """One running worker behind a relay of its own."""

    pool: str
    at_boot: str
    folder: Path
    bodies: list[str]
    queue: str = field(default_factory=lambda: f"matrix-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.proxy = Proxy(("127.0.0.1", live.LEDGER["PORT"]))
        self.report = self.folder / f"{self.queue}.jsonl"
        if self.at_boot == "up":
            self.proxy.mend()
        options = ["-P", self.pool, "-c", "2", "-Q", self.queue, "-n", f"{self.queue}@%h"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
        command = [str(PYTHON.parent / "celery"), "-A", "tests.fakes.ledger_worker", "worker", *options, *quiet]
        environment = {**os.environ, "CASSANDRA_PORT": str(self.proxy.port), "WORKER_ROLE": ""}
        self.log = self.folder / f"{self.queue}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", *command],
                cwd=PROJECT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def touch(self) -> list[dict]:
        """What each process of the pool reports of one task at least."""
        before = len(self._lines())
        deadline = time.monotonic() + 60
        while len({line["pid"] for line in self._lines()[before:]}) < PROCESSES[self.pool]:
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            wanted = len(self._lines()) + 2
            for _ in range(2):
                app.send_task("tests.touch_ledger", (self.bodies, str(self.report)), queue=self.queue)
            self._wait_for(wanted)
        return self._lines()[before:]

    def _wait_for(self, lines: int) -> None:
        eventually(lambda: len(self._lines()) >= lines, seconds_max=60, what=str(self.log))

    def until_it_works(self) -> list[dict]:
        """As touch(), once no process of the pool reports an error any more."""
        return eventually(
            lambda: [lines for lines in [self.touch()] if not any(line["error"] for line in lines)], what=str(self.log)
        )[0]

    def _lines(self) -> list[dict]:
        return [json.loads(line) for line in self.report.read_text().splitlines()] if self.report.exists() else []

    def end(self) -> None:
        """Wait until the process, which has been told to end, has."""
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.proxy.cut()


@pytest.fixture(scope="module")
def payment() -> list[str]:
    """The bodies of one recorded payment, which workers may write again and again."""
    bodies = history_of_payment(events=3, booked_at=own_noon())
    insert_history(bodies)
    record(bodies)
    return [canonical(body).decode() for body in bodies]


@pytest.fixture(scope="module")
def workers(tmp_path_factory, payment) -> Iterator[dict[tuple[str, str], Worker]]:
    """All of the matrix, booted at the same time."""
    folder = tmp_path_factory.mktemp("matrix")
    started = {place: Worker(*place, folder=folder, bodies=payment) for place in MATRIX}
    yield started
    for worker in started.values():
        worker.process.send_signal(signal.SIGTERM)
    for worker in started.values():
        worker.end()


def assert_every_request_asks_for_the_quorum(proxy: Proxy, pids: set[int]) -> None:
    """Each of these processes executed and batched, over a connection of its own, and never at another level."""
    by_pid = {
        pid: {request.connection for request in proxy.requests if UUID(int=pid).bytes in request.body} for pid in pids
    }
    assert all(by_pid.values()), by_pid
    assert len(set().union(*by_pid.values())) == sum(map(len, by_pid.values()))
    for connections in by_pid.values():
        sent = {(request.kind, request.level) for request in proxy.requests if request.connection in connections}
        assert {("EXECUTE", "LOCAL_QUORUM"), ("BATCH", "LOCAL_QUORUM")} <= sent
    levels = {request.level for request in proxy.requests if request.kind != "QUERY"}
    assert levels == {"LOCAL_QUORUM"}


@pytest.mark.parametrize(("pool", "at_boot"), MATRIX)
def test_a_worker_reads_and_writes_at_local_quorum_however_it_was_started(workers, pool, at_boot):
    worker = workers[pool, at_boot]
    if at_boot == "down":
        refused = worker.touch()
        assert {line["error"] for line in refused} == {"ledger_unavailable"}
        assert max(line["seconds"] for line in refused) < HANG_SECONDS
        worker.proxy.mend()

    done = worker.until_it_works()

    assert max(line["seconds"] for line in done) < HANG_SECONDS
    pids = {line["pid"] for line in done}
    assert (worker.process.pid in pids) == (pool != "prefork")
    assert len(pids) == PROCESSES[pool]
    assert_every_request_asks_for_the_quorum(worker.proxy, pids)


def test_a_worker_whose_cassandra_goes_and_comes_back_works_again(workers):
    worker = workers["prefork", "up"]
    worker.until_it_works()

    worker.proxy.cut()
    refused = worker.touch()
    worker.proxy.mend()
    done = worker.until_it_works()

    assert {line["error"] for line in refused} == {"ledger_unavailable"}
    assert max(line["seconds"] for line in refused) < HANG_SECONDS
    assert_every_request_asks_for_the_quorum(worker.proxy, {line["pid"] for line in done})


def test_the_proof_notices_another_level(workers):
    """The negative control: one request at LOCAL_ONE among the recorded ones."""
    worker = workers["solo", "up"]
    pids = {line["pid"] for line in worker.until_it_works()}
    genuine = next(request for request in worker.proxy.requests if request.kind == "EXECUTE")
    worker.proxy.requests.append(type(genuine)(genuine.connection, "EXECUTE", "LOCAL_ONE", genuine.body))

    with pytest.raises(AssertionError):
        assert_every_request_asks_for_the_quorum(worker.proxy, pids)
