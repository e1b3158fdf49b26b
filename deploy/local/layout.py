"""Where a stack lies and which ports it uses. Standard library only: set-up imports this before .venv exists."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
PYTHON = PROJECT_ROOT / ".venv" / "bin" / "python"
DEFAULT_PORT_BASE = 18000
TEST_STACK_DISTANCE = 10000
BENCH_STACK_DISTANCE = 100
# Never up together: they share their ports.
BENCHES = (CHECKOUT_BENCH := "bench-checkout", LEDGER_BENCH := "bench-ledger")
CLIENT_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")

PORT_OFFSETS = {
    "web": 0,
    "postgres node a": 32,
    "postgres node b": 33,
    "cassandra cql": 42,
    "cassandra storage": 70,
    "cassandra jmx": 71,
    "redis": 79,
    "provider": 80,
    "kafka": 92,
    "kafka controller": 93,
    "supervisor": 99,
}


class StackError(Exception):
    """The stack cannot do what was asked; the message says what is wrong and what to do about it."""


def _port_base_in_use(env_file: Path) -> str:
    lines = env_file.read_text().splitlines() if env_file.exists() else []
    found = [line.removeprefix("PORT_BASE=") for line in lines if line.startswith("PORT_BASE=")]
    return found[-1] if found else str(DEFAULT_PORT_BASE)


@dataclass(frozen=True, slots=True)
class Layout:
    """One stack's name, its folder below .local/ and its ports, all derived from one number."""

    name: str
    port_base: int
    root: Path = PROJECT_ROOT

    @property
    def home(self) -> Path:
        return self.root / ".local" / self.name

    @property
    def env_file(self) -> Path:
        return self.home / "env"

    @property
    def secrets_file(self) -> Path:
        return self.home / "secrets.json"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def jars(self) -> Path:
        return self.root / ".local" / "jars"

    @property
    def standby_mark(self) -> Path:
        return self.home / "standby.degraded"

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.port('web')}"

    def port(self, role: str) -> int:
        return self.port_base + PORT_OFFSETS[role]

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def make_folders(self) -> None:
        for folder in (self.home, self.run, self.logs):
            folder.mkdir(parents=True, exist_ok=True)


def layout_of(name: str) -> Layout:
    """The layout of stack `dev`, `test` or one of BENCHES. PORT_BASE moves all; the test stack is 10000 above `dev`.

    A base once given stays in the dev stack's env file: a plain `make down` finds what `PORT_BASE=20000 make up` began.
    """
    text = os.environ.get("PORT_BASE") or _port_base_in_use(PROJECT_ROOT / ".local" / "dev" / "env")
    try:
        base = int(text)
    except ValueError:
        raise StackError(f"PORT_BASE must be a number, not {text!r}") from None
    base += {"test": TEST_STACK_DISTANCE, **dict.fromkeys(BENCHES, BENCH_STACK_DISTANCE)}.get(name, 0)
    if not 1024 <= base <= 65535 - max(PORT_OFFSETS.values()):
        raise StackError(f"PORT_BASE={text} puts the {name} stack at {base}: its ports must lie between 1024 and 65535")
    _refuse_ports_of_clients(text, name, base)
    return Layout(name=name, port_base=base)


def _refuse_ports_of_clients(text: str, name: str, base: int) -> None:
    """A port the kernel may give to any outgoing connection is in use now and then, and a server then cannot start."""
    if not CLIENT_PORT_RANGE.exists():
        return
    lowest, highest = (int(port) for port in CLIENT_PORT_RANGE.read_text().split())
    limit = lowest - TEST_STACK_DISTANCE - max(PORT_OFFSETS.values()) - 1
    # Where that range begins so low that the usual base lies in it, there is nothing better to ask for.
    if limit >= DEFAULT_PORT_BASE and base <= highest and base + max(PORT_OFFSETS.values()) >= lowest:
        raise StackError(
            f"PORT_BASE={text} puts the {name} stack at {base}, among the ports {lowest} to {highest} of outgoing "
            f"connections: choose at most {limit}, which leaves room for the test stack"
        )
