"""Starting, stopping and killing programs of a running stack: for fault tests."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.local.app import start_programs
from deploy.local.database import start_postgres
from deploy.local.environment import read_env
from deploy.local.failover import promote_standby
from deploy.local.layout import Layout, StackError
from deploy.local.postgres import node_of
from deploy.local.processes import is_running
from deploy.local.programs import SERVERS
from deploy.local.readiness import READY_SECONDS_MAX, wait_ready
from deploy.local.supervisor import RUNNING, Supervisor

DEADLY = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT})
END_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack, by its programs' names: postgres-primary, redis, kafka, cassandra, web, relay, ledger …"""

    layout: Layout

    @classmethod
    def from_env(cls) -> Stack:
        """The stack whose env file ENV_FILE names."""
        values = read_env(Path(os.environ["ENV_FILE"]))
        stack = cls(Layout(name=values["COUNTINGHOUSE_STACK"], port_base=int(values["PORT_BASE"])))
        if Supervisor(stack.layout).pid() is None:
            raise StackError(f"the {stack.layout.name} stack is not running")
        return stack

    def start(self, program: str, *, wait: bool = True) -> None:
        """Start the program and, unless told otherwise, wait until it answers; one that runs is left alone."""
        Supervisor(self.layout).start(program)
        if wait:
            self.wait_ready(program)

    def stop(self, program: str) -> None:
        """Stop the program in good order and wait for its end; it stays stopped until it is started."""
        Supervisor(self.layout).stop(program)

    def kill(self, program: str, sig: int = signal.SIGKILL) -> int:
        """Send the signal to the program's main process and return its pid.

        When the signal is deadly this returns once that process is gone. The supervisor then starts the program again
        at once: wait_ready tells when it answers; to keep it away use stop, or kill and then stop.
        """
        supervisor = Supervisor(self.layout)
        pid = self.pid(program)
        if pid is None:
            raise StackError(f"{program} does not run: there is nothing to kill")
        os.kill(pid, sig)
        deadline = time.monotonic() + END_SECONDS_MAX
        while sig in DEADLY and (is_running(pid) or supervisor.state(program)["pid"] == pid):
            if time.monotonic() > deadline:
                raise StackError(f"{program} (pid {pid}) did not end within {END_SECONDS_MAX} s of signal {sig}")
            time.sleep(0.02)
        return pid

    def pid(self, program: str) -> int | None:
        """Pid of the program's main process, None when it does not run."""
        return int(Supervisor(self.layout).state(program)["pid"]) or None

    def is_running(self, program: str) -> bool:
        return bool(Supervisor(self.layout).state(program)["statename"] == RUNNING)

    def wait_ready(self, program: str, *, seconds_max: float = READY_SECONDS_MAX) -> None:
        """Return once the program answers; raise with the end of its log when it does not in time."""
        wait_ready(self.layout, program, seconds_max=seconds_max)

    def promote(self) -> None:
        """Promote the PostgreSQL standby, as `make failover` does; StackError when that is refused."""
        promote_standby(self.layout)

    def repair_postgres(self) -> None:
        """Bring both PostgreSQL nodes up, as `make up` does: a fenced old primary is rebuilt as standby."""
        start_postgres(self.layout)

    def postgres_port(self, part: str) -> int:
        """Port of the node that is `primary` or `standby` at present."""
        return node_of(self.layout, part).port

    def start_all(self) -> None:
        """Start whatever does not run and wait until everything answers; for after a test that broke something."""
        for program in SERVERS:
            Supervisor(self.layout).start(program)
        for program in SERVERS:
            self.wait_ready(program)
        start_programs(self.layout)
