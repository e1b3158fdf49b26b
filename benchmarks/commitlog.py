"""What `commitlog_sync: batch` costs beside `periodic`: `python -m benchmarks.commitlog`.

Two nodes of Cassandra of their own, equal but for that setting, on empty data. Rounds alternate between them, so that
whatever else the machine does meets both; a figure is the median of its rounds, its baseline the same of `periodic`.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import uuid4

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster, NoHostAvailable, Session
from cassandra.io.libevreactor import LibevConnection
from cassandra.query import PreparedStatement

from benchmarks.figures import Figure, median, percentile, report, say
from deploy.local import cassandra
from deploy.local.layout import Layout, layout_of
from deploy.local.readiness import PROBES

BENCH = "commitlog"
MODES = ("batch", "periodic")
# Above the bench stack's ports, and apart from each other.
PORT_DISTANCES = {"batch": 200, "periodic": 300}
SHIPPED = "\ncommitlog_sync: batch\n"
PERIODIC = "\ncommitlog_sync: periodic\ncommitlog_sync_period: 10000ms\n"
READY_SECONDS_MAX = 180.0
WARM_UP_SECONDS = 3.0
# As the sink does: so many requests in flight, rows of about the size of an event's.
WINDOW = 100
ROW_BYTES = 1_100

_KEYSPACE = "CREATE KEYSPACE bench WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}"
_TABLE = "CREATE TABLE bench.writes (id uuid PRIMARY KEY, body text)"


@dataclass(frozen=True, slots=True)
class Node:
    """One running Cassandra and a session on it."""

    session: Session
    insert: PreparedStatement

    def windowed(self, *, seconds: float) -> float:
        """Rows a second with a window of requests in flight."""
        in_flight: deque[object] = deque()
        body, written, began = "x" * ROW_BYTES, 0, time.monotonic()
        while time.monotonic() - began < seconds:
            if len(in_flight) == WINDOW:
                in_flight.popleft().result()  # type: ignore[attr-defined]
                written += 1
            in_flight.append(self.session.execute_async(self.insert, (uuid4(), body)))
        elapsed = time.monotonic() - began
        while in_flight:
            in_flight.popleft().result()  # type: ignore[attr-defined]
        return written / elapsed

    def one_by_one(self, *, seconds: float) -> list[float]:
        """Milliseconds of each acknowledged write, one after the other."""
        body, times, until = "x" * ROW_BYTES, [], time.monotonic() + seconds
        while (began := time.perf_counter()) and time.monotonic() < until:
            self.session.execute(self.insert, (uuid4(), body))
            times.append((time.perf_counter() - began) * 1000)
        return times


def in_mode(mode: str, text: str) -> str:
    """The configuration with that commitlog_sync; raises ValueError where nothing would change."""
    if text.count(SHIPPED) != 1:
        raise ValueError(f"the configuration does not say {SHIPPED.strip()!r} once: both nodes would be the same")
    return text.replace(SHIPPED, SHIPPED if mode == "batch" else PERIODIC)


def started(mode: str, stack: ExitStack) -> Node:
    """A node on empty data with that commitlog_sync, stopped and deleted with the stack."""
    layout = Layout(name=f"commitlog-{mode}", port_base=layout_of("dev").port_base + PORT_DISTANCES[mode])
    shutil.rmtree(layout.home, ignore_errors=True)
    layout.make_folders()
    stack.callback(shutil.rmtree, layout.home, ignore_errors=True)
    cassandra.prepare(layout)
    configuration = cassandra.folder_of(layout) / "conf" / "cassandra.yaml"
    configuration.write_text(in_mode(mode, configuration.read_text()))
    log = stack.enter_context(layout.log("cassandra").open("wb"))
    command = ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", *cassandra.server_command(layout)]
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=layout.home)
    stack.callback(process.wait)
    stack.callback(process.kill)
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not PROBES["cassandra"](layout):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Cassandra with {mode} did not start: {layout.log('cassandra').read_text()[-800:]}")
        time.sleep(0.2)
    return Node(*_opened(layout, stack))


def _opened(layout: Layout, stack: ExitStack) -> tuple[Session, PreparedStatement]:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        cluster = Cluster(
            ["127.0.0.1"],
            port=layout.port("cassandra cql"),
            protocol_version=5,
            auth_provider=PlainTextAuthProvider("cassandra", "cassandra"),
            connection_class=LibevConnection,
            compression=False,
            connect_timeout=10,
        )
        try:
            session = cluster.connect()
            break
        except NoHostAvailable:
            # The first superuser appears a moment after the port answers.
            cluster.shutdown()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    stack.callback(cluster.shutdown)
    session.default_timeout = 60.0
    session.execute(_KEYSPACE)
    session.execute(_TABLE)
    return session, session.prepare("INSERT INTO bench.writes (id, body) VALUES (?, ?)")


def measure(*, rounds: int, seconds: float) -> None:
    rates: dict[str, list[float]] = {mode: [] for mode in MODES}
    times: dict[str, list[list[float]]] = {mode: [] for mode in MODES}
    with ExitStack() as stack:
        nodes = {}
        for mode in MODES:
            say(f"starting a node with {mode}")
            nodes[mode] = started(mode, stack)
        for node in nodes.values():
            node.windowed(seconds=WARM_UP_SECONDS)
        for number in range(rounds):
            for mode, node in nodes.items():
                rates[mode].append(node.windowed(seconds=seconds))
                times[mode].append(node.one_by_one(seconds=seconds))
                say(
                    f"round {number + 1} of {rounds}, {mode}: {rates[mode][-1]:.0f} rows/s, one by one p50 "
                    f"{percentile(times[mode][-1], 0.5):.2f} ms, p99 {percentile(times[mode][-1], 0.99):.2f} ms"
                )
    report(Figure(BENCH, "rows_per_second", median(rates["batch"]), "1/s", median(rates["periodic"])))
    for name, share in (("write_p50_ms", 0.5), ("write_p99_ms", 0.99)):
        figures = {mode: median([percentile(part, share) for part in times[mode]]) for mode in MODES}
        report(Figure(BENCH, name, figures["batch"], "ms", figures["periodic"]))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commitlog", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each setting (3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of each measurement (5)")
    options = parser.parse_args(arguments)
    measure(rounds=options.rounds, seconds=options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
