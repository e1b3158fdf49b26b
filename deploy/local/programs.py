"""The programs the supervisor runs: the servers, and the app's processes on top of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from deploy.local import cassandra, kafka, postgres, redis
from deploy.local.environment import derived_values
from deploy.local.layout import CHECKOUT_BENCH, PYTHON, Layout

SERVERS = ("postgres-primary", "postgres-standby", "redis", "kafka", "cassandra")
WORKERS = ("relay", "ledger", "gateway", "tasks")
APPS = ("provider", "web", *WORKERS, "beat")
PROGRAMS = (*SERVERS, *APPS)
# Where it is measured how fast orders are taken, whatever only copies them gives way (the higher, the more) and catches
# up later. Elsewhere it does not: in the demonstration it made the ledger 1.7 s late instead of 0.3 s.
YIELDING_STACK = CHECKOUT_BENCH
NICENESS = {"relay": 19, "ledger": 19, "kafka": 19, "cassandra": 19}


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised process: its command, the signal that ends it in good order and how long that may take."""

    name: str
    command: list[str]
    stop_signal: str = "TERM"
    # Longer than the web's graceful_timeout.
    stop_seconds_max: int = 25
    environment: dict[str, str] = field(default_factory=dict)
    niceness: int = 0

    @property
    def guarded_command(self) -> list[str]:
        """The command, told by the kernel to end when the supervisor is killed."""
        if "--pdeathsig" in self.command:
            return self.command
        yielding = ["/usr/bin/nice", "-n", str(self.niceness)] if self.niceness else []
        return ["/usr/bin/setpriv", "--pdeathsig", self.stop_signal, "--", *yielding, *self.command]


def all_programs(layout: Layout) -> list[Program]:
    return [prioritized(program, layout.name) for program in [*server_programs(layout), *app_programs(layout)]]


def prioritized(program: Program, stack: str) -> Program:
    """The program with the niceness it has on that stack."""
    return replace(program, niceness=NICENESS.get(program.name, 0)) if stack == YIELDING_STACK else program


def server_programs(layout: Layout) -> list[Program]:
    return [
        *(
            Program(f"postgres-{part}", postgres.server_command(layout, part), stop_signal=postgres.STOP_SIGNAL)
            for part in postgres.PARTS
        ),
        Program("redis", redis.server_command(layout)),
        Program("kafka", kafka.server_command(layout)),
        Program("cassandra", cassandra.server_command(layout)),
    ]


def app_programs(layout: Layout) -> list[Program]:
    python, binaries = str(PYTHON), PYTHON.parent
    celery = [str(binaries / "celery"), "-A", "workers.celery"]
    return [
        _provider(layout, python),
        Program("web", [python, "-m", "deploy.web"], environment={"CASSANDRA_ROLE": "reader"}),
        *(_worker(role, celery) for role in WORKERS),
        Program("beat", [*celery, "beat", "--schedule", str(layout.run / "beat"), "--pidfile="]),
    ]


def _provider(layout: Layout, python: str) -> Program:
    values = derived_values(layout)
    address = ["--host", "127.0.0.1", "--port", str(layout.port("provider"))]
    webhooks = ["--webhook-url", f"{layout.web_url}/api/v1/webhooks/simulator"]
    return Program(
        "provider",
        [python, "-m", "simulators.payment_provider", *address, "--log", values["PROVIDER_LOG"], *webhooks],
        # Not as an argument, which every process list would show.
        environment={"PROVIDER_WEBHOOK_SECRETS": values["PROVIDER_WEBHOOK_SECRETS"]},
    )


def _worker(role: str, celery: list[str]) -> Program:
    pool = ["-P", "prefork", "-c", "2"] if role == "tasks" else ["-P", "threads", "-c", "1"]
    options = ["-Q", role, "-n", f"{role}@%h", "--without-gossip", "--without-mingle"]
    return Program(role, [*celery, "worker", *pool, *options], environment={"WORKER_ROLE": role})
