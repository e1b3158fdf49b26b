"""A stack of its own for one benchmark: fresh data, its own ports, gone afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import django

from core.db.degraded_mark import DegradedMark
from deploy.local import lifecycle
from deploy.local.environment import child_environment, read_env, write_env
from deploy.local.layout import Layout, StackError, layout_of
from deploy.local.postgres import node_of
from deploy.local.postgres_roles import superuser_session
from deploy.local.supervisor import Supervisor
from deploy.local.testing import only_run, stopped_by_signals

DEGRADE_SECONDS_MAX = 60.0
# Measured in bursts of 8 s on two cores: 414 orders/s with 2 processes of 8 threads, 486 with 3 of 4, 488 with 4 of 4,
# whose 95th percentile is 15 ms higher.
WEB = {"WEB_WORKERS": "3", "WEB_THREADS": "4"}
# Nothing verifies by itself while something else is measured.
LEDGER = {"LEDGER_VERIFY_EVERY_SECONDS": "0"}


@contextmanager
def fresh_stack(name: str) -> Iterator[Stack]:
    """Bring the benchmark's stack up on empty data, set Django up for it in this process, and take it down after."""
    layout = layout_of(name)
    with only_run(layout), stopped_by_signals():
        lifecycle.check_installation(layout)
        if Supervisor(layout).pid() is not None:
            lifecycle.bring_down(layout)
        lifecycle.end_leftovers(layout)
        lifecycle.wipe(layout)
        try:
            write_env(layout)
            # More web processes than cores: threads of one share an interpreter's lock.
            os.environ.update({name: os.environ.get(name, value) for name, value in (WEB | LEDGER).items()})
            lifecycle.bring_up(layout, dies_with_caller=True)
            os.environ.update(child_environment(layout))
            os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings"
            os.environ["LOG_STREAM"] = "stderr"
            os.environ["LOG_LEVEL"] = "WARNING"
            django.setup()
            yield Stack(layout)
        finally:
            lifecycle.bring_down(layout)


class Stack:
    """The running stack and what a benchmark changes about it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._mark = DegradedMark(layout.standby_mark)

    @property
    def url(self) -> str:
        return self.layout.web_url

    def stop_standby(self) -> None:
        """Take the standby away and return once the guard lets commits go alone."""
        Supervisor(self.layout).stop("postgres-standby")
        deadline = time.monotonic() + DEGRADE_SECONDS_MAX
        while not self._mark.stands():
            if time.monotonic() > deadline:
                raise StackError(f"commits still wait for a standby after {DEGRADE_SECONDS_MAX:.0f} s")
            time.sleep(0.1)

    def settle(self) -> None:
        """Do now what PostgreSQL would do in the middle of the next run: statistics and a checkpoint."""
        database = read_env(self.layout.env_file)["POSTGRES_DB"]
        with superuser_session(node_of(self.layout, "primary"), database) as cursor:
            cursor.execute("VACUUM (ANALYZE)")
            cursor.execute("CHECKPOINT")
