"""`make failover`: promote the standby, by an operator's decision. Check the mark, fence the primary, promote."""

from __future__ import annotations

import time

import psycopg2

from core.db.degraded_mark import DegradedMark
from deploy.local import postgres
from deploy.local.database import wait_primary
from deploy.local.layout import Layout, StackError
from deploy.local.lifecycle import stack_lock
from deploy.local.postgres import Node, node_of
from deploy.local.postgres_roles import is_synchronous, superuser_session
from deploy.local.processes import is_port_free
from deploy.local.supervisor import RUNNING, Supervisor, say

CATCH_UP_SECONDS_MAX = 10
REPLAY_SECONDS_MAX = 60


def promote_standby(layout: Layout) -> None:
    """Make the standby primary. Refuses, changing nothing, while acknowledged commits might be lost by it.

    May be repeated after an interruption: a promotion that was begun is finished.
    """
    supervisor = Supervisor(layout)
    if supervisor.pid() is None:
        raise StackError(f"the {layout.name} stack is down: there is nothing to promote; `make up` starts it")
    began = time.monotonic()
    with stack_lock(layout):
        if not node_of(layout, "primary").is_standby:
            refuse_if_unsafe(layout, supervisor)
            fence_primary(layout, supervisor)
        promote(layout, supervisor)
    node = node_of(layout, "primary")
    seconds = time.monotonic() - began
    say(f"promoted: node {node.letter} on port {node.port} is primary after {seconds:.1f} s and commits alone")
    say("`make up` rebuilds the other node as its standby")


def refuse_if_unsafe(layout: Layout, supervisor: Supervisor) -> None:
    """Raise unless the standby is known to have every acknowledged commit."""
    mark = DegradedMark(layout.standby_mark)
    if mark.stands():
        raise StackError(
            f"promotion refused: the standby lacks commits ({mark.reason()}). Start the standby (`make up`) and wait"
            f" until the mark {mark.path} is gone: the guard removes it once the standby has caught up."
        )
    standby = node_of(layout, "standby")
    if (standby.folder / postgres.FENCED).exists() or not standby.is_standby:
        raise StackError("promotion refused: the other node is a fenced old primary; `make up` rebuilds it first")
    if supervisor.state("postgres-standby")["statename"] != RUNNING:
        raise StackError("promotion refused: the standby does not run; `make up` starts it")
    if not _primary_is_gone(layout, supervisor) and not _streams(layout):
        raise StackError("promotion refused: the primary runs and the standby does not stream from it")


def _primary_is_gone(layout: Layout, supervisor: Supervisor) -> bool:
    return supervisor.state("postgres-primary")["statename"] != RUNNING


def _streams(layout: Layout) -> bool:
    """Whether the standby streams synchronously; it is given a moment, since it may just be reconnecting."""
    deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            if is_synchronous(node_of(layout, "primary")):
                return True
        except psycopg2.OperationalError:
            # A primary that runs and does not answer, a hung one for example: the mark has already been read,
            # and without it every acknowledged commit waited for the standby.
            return True
        time.sleep(0.2)
    return False


def fence_primary(layout: Layout, supervisor: Supervisor) -> None:
    """Stop the primary so that nothing starts it as primary again; its last WAL goes to the standby on the way."""
    old = node_of(layout, "primary")
    (old.folder / postgres.FENCED).touch()
    supervisor.stop("postgres-primary")
    if not is_port_free(old.port):
        raise StackError(f"the primary's port {old.port} is still held after its stop: not promoting")
    postgres.mark_standby(old)
    supervisor.stop("postgres-standby")
    postgres.assign_parts(layout, primary=old.other)
    say(f"fenced: node {old.letter} on port {old.port}")


def promote(layout: Layout, supervisor: Supervisor) -> None:
    """Start the new primary, note that it has no standby yet, and let it accept writes."""
    node = node_of(layout, "primary")
    postgres.clear_stale_lock(node)
    supervisor.start("postgres-primary")
    wait_primary(layout)
    DegradedMark(layout.standby_mark).write(f"node {node.letter} was promoted and has no standby yet")
    with superuser_session(node) as cursor:
        # Allowed during recovery. Without it the first commits would wait until the guard notices the missing standby.
        cursor.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
        cursor.execute("SELECT pg_reload_conf()")
        cursor.execute("SELECT pg_is_in_recovery() AND NOT pg_promote(true, %s)", (REPLAY_SECONDS_MAX,))
        row = cursor.fetchone()
        if row and row[0]:
            raise StackError(f"node {node.letter} did not finish its promotion within {REPLAY_SECONDS_MAX} s")
        _wait_signal_gone(node)
        cursor.execute("CHECKPOINT")


def _wait_signal_gone(node: Node) -> None:
    deadline = time.monotonic() + 10
    while node.is_standby:
        if time.monotonic() > deadline:
            raise StackError(f"node {node.letter} still calls itself a standby after its promotion")
        time.sleep(0.05)
