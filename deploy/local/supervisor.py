"""The supervisor of a stack: its configuration, its start and the calls it answers."""

from __future__ import annotations

import http.client
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from typing import Any

from deploy.local.environment import child_environment, ensure_secrets, write_private
from deploy.local.layout import PYTHON, Layout, StackError
from deploy.local.processes import is_running
from deploy.local.programs import Program, all_programs

USER = "countinghouse"
CALL_SECONDS_MAX = 20
START_SECONDS_MAX = 10
RUNNING, STARTING, BACKOFF, STOPPING, STOPPED, EXITED, FATAL = (
    "RUNNING",
    "STARTING",
    "BACKOFF",
    "STOPPING",
    "STOPPED",
    "EXITED",
    "FATAL",
)


class _Transport(xmlrpc.client.Transport):
    """XML-RPC over HTTP with a limit on how long one call may take."""

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = CALL_SECONDS_MAX
        return connection


class Supervisor:
    """Client of one stack's supervisord, which may or may not be running."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        password = ensure_secrets(layout)["supervisor"]
        address = f"http://{USER}:{password}@127.0.0.1:{layout.port('supervisor')}/RPC2"
        self._calls: Any = xmlrpc.client.ServerProxy(address, transport=_Transport()).supervisor

    def pid(self) -> int | None:
        """The supervisor's pid, or None when it does not run (or the port is held by something else)."""
        try:
            return int(self._calls.getPID())
        except (OSError, xmlrpc.client.Error, http.client.HTTPException):
            return None

    def launch(self, *, dies_with_caller: bool = False) -> None:
        """Start supervisord with a fresh configuration; no program is started yet."""
        write_private(self.layout.run / "supervisord.conf", configuration(self.layout))
        command = [str(PYTHON), "-m", "supervisor.supervisord", "-n", "-c", str(self.layout.run / "supervisord.conf")]
        if dies_with_caller:
            command = ["/usr/bin/setpriv", "--pdeathsig", "TERM", "--", *command]
        with open(self.layout.log("supervisor-output"), "ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.layout.root,
                env=child_environment(self.layout),
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while self.pid() != process.pid:
            if process.poll() is not None or time.monotonic() > deadline:
                log = self.layout.log("supervisor-output")
                raise StackError(f"the supervisor did not start; the end of {log}:\n{log.read_text()[-800:]}")
            time.sleep(0.05)

    def states(self) -> dict[str, dict[str, Any]]:
        """What supervisord knows of each program, by name: statename, pid, start, description, spawnerr …"""
        return {info["name"]: info for info in self._calls.getAllProcessInfo()}

    def state(self, program: str) -> dict[str, Any]:
        info: dict[str, Any] = self._calls.getProcessInfo(program)
        return info

    def start(self, program: str) -> None:
        """Ask for the program to be started, without waiting; one that runs already is left alone."""
        try:
            self._calls.startProcess(program, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise StackError(f"{program} could not be started: {fault.faultString}") from fault

    def stop(self, program: str) -> None:
        """Stop the program in good order and wait for its end; one that does not run is left alone."""
        try:
            self._calls.stopProcess(program, False)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise StackError(f"{program} could not be stopped: {fault.faultString}") from fault
        self.wait_stopped([program])

    def stop_all(self, programs: list[str]) -> None:
        """Stop these programs at the same time and wait for their end."""
        for program in programs:
            try:
                self._calls.stopProcess(program, False)
            except xmlrpc.client.Fault as fault:
                if "NOT_RUNNING" not in fault.faultString:
                    raise
        self.wait_stopped(programs)

    def wait_stopped(self, programs: list[str], seconds_max: float = 60) -> None:
        deadline = time.monotonic() + seconds_max
        while True:
            states = self.states()
            busy = [name for name in programs if states[name]["statename"] in (RUNNING, STARTING, STOPPING)]
            if not busy:
                return
            if time.monotonic() > deadline:
                raise StackError(f"still running after {seconds_max:.0f} s: {', '.join(busy)}")
            time.sleep(0.05)

    def signal(self, program: str, signal_number: int) -> None:
        self._calls.signalProcess(program, str(int(signal_number)))

    def shut_down(self) -> None:
        """End supervisord, which has nothing left to run, and wait until it is gone."""
        pid = self.pid()
        if pid is None:
            return
        self._calls.shutdown()
        deadline = time.monotonic() + 60
        while is_running(pid):
            if time.monotonic() > deadline:
                raise StackError(f"the supervisor (pid {pid}) did not end within 60 s")
            time.sleep(0.05)


def configuration(layout: Layout) -> str:
    """supervisord.conf: nothing starts by itself, what exits is restarted, nearly for ever."""
    password = ensure_secrets(layout)["supervisor"]
    head = f"""[supervisord]
nodaemon=true
logfile={layout.log("supervisor")}
logfile_maxbytes=5MB
logfile_backups=1
loglevel=info
pidfile={layout.run / "supervisord.pid"}
identifier=countinghouse-{layout.name}
minfds=4096

[inet_http_server]
port=127.0.0.1:{layout.port("supervisor")}
username={USER}
password={password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    return head.replace("%", "%%") + "".join(_section(layout, program) for program in all_programs(layout))


def _section(layout: Layout, program: Program) -> str:
    command = shlex.join(program.guarded_command)
    environment = ",".join(f'{key}="{value}"' for key, value in program.environment.items())
    # A program that finds its server away may fail many times in a row: it must not be given up.
    section = f"""
[program:{program.name}]
command={command}
directory={layout.root}
environment={environment}
autostart=false
autorestart=true
startsecs=1
startretries=200
stopsignal={program.stop_signal}
stopwaitsecs={program.stop_seconds_max}
killasgroup=true
redirect_stderr=true
stdout_logfile={layout.log(program.name)}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
"""
    return section.replace("%", "%%")


def say(text: str) -> None:
    """One line of progress for the person at the terminal."""
    print(text, file=sys.stderr, flush=True)
