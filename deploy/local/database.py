"""Starting the two PostgreSQL nodes: first start, ordinary start, and rebuilding a fenced or broken standby."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2

from core.db.degraded_mark import DegradedMark
from core.db.replication import restore
from deploy.local import postgres
from deploy.local.environment import default_values, ensure_secrets, read_env
from deploy.local.layout import Layout, StackError
from deploy.local.postgres import Node, node_of
from deploy.local.postgres_configuration import write_configuration
from deploy.local.postgres_roles import ensure_database, ensure_roles, ensure_slots, superuser_session
from deploy.local.readiness import log_tail, primary_answers, wait_ready
from deploy.local.supervisor import RUNNING, Supervisor, say

JOIN_SECONDS_MAX = 20


def start_postgres(layout: Layout) -> None:
    """Both nodes running, the standby streaming, roles and grants in line, the app's database there."""
    primary, standby = node_of(layout, "primary"), node_of(layout, "standby")
    for node in (primary, standby):
        write_configuration(node)
    postgres.assign_parts(layout, primary=primary)
    if not primary.is_initialised or _was_interrupted(primary):
        postgres.initialise(primary)
        (primary.folder / "initialised").touch()
    supervisor = Supervisor(layout)
    if supervisor.state("postgres-primary")["statename"] != RUNNING:
        _check_primary_may_start(primary)
        postgres.clear_stale_lock(primary)
        supervisor.start("postgres-primary")
    wait_ready(layout, "postgres-primary")
    with ThreadPoolExecutor(max_workers=1) as pool:
        ensure_roles(primary)
        joining = pool.submit(start_standby, layout)
        ensure_database(primary, read_env(layout.env_file).get("POSTGRES_DB", default_values()["POSTGRES_DB"]))
        joining.result()
    take_standby_back(layout, primary)


def take_standby_back(layout: Layout, primary: Node) -> None:
    """Make a standby that has caught up synchronous again, also when no guard runs that would do it."""
    mark = DegradedMark(layout.standby_mark)
    if not mark.stands():
        return
    with superuser_session(primary) as cursor:
        is_restored = restore(cursor.connection, mark, patience_seconds=JOIN_SECONDS_MAX)
    say("the standby has caught up: commits wait for it again" if is_restored else "the standby is still catching up")


def _was_interrupted(node: Node) -> bool:
    """Whether the first initdb of this node never came to its end."""
    return not (node.folder / "initialised").exists() and not node.is_standby


def _check_primary_may_start(primary: Node) -> None:
    if primary.is_standby:
        message = f"PostgreSQL node {primary.letter} is to be primary and its promotion was interrupted"
        raise StackError(f"{message}: finish it with `make failover`")


def start_standby(layout: Layout) -> None:
    """The standby running and streaming: restarted, rewound or copied anew, whichever is the least that works."""
    standby = node_of(layout, "standby")
    supervisor = Supervisor(layout)
    if supervisor.state("postgres-standby")["statename"] != RUNNING:
        fence = standby.folder / postgres.FENCED
        if fence.exists() or not standby.is_standby:
            supervisor.stop("postgres-standby")
            rebuild_standby(standby)
            fence.unlink(missing_ok=True)
        postgres.clear_stale_lock(standby)
        supervisor.start("postgres-standby")
    if not joins_in_time(layout):
        say("the standby does not stream from the primary: making it anew from a base backup")
        supervisor.stop("postgres-standby")
        postgres.copy_primary(standby)
        supervisor.start("postgres-standby")
        wait_ready(layout, "postgres-standby")
    _ensure_slots_on(standby)


def joins_in_time(layout: Layout) -> bool:
    """Whether the standby streams within the time a healthy one needs."""
    try:
        wait_ready(layout, "postgres-standby", seconds_max=JOIN_SECONDS_MAX)
    except StackError:
        return False
    return True


def rebuild_standby(node: Node) -> None:
    """Turn a fenced old primary into a standby by pg_rewind, or by a base backup when that is not possible."""
    if node.is_initialised:
        try:
            rewind(node)
        except StackError as error:
            say(f"pg_rewind could not be used ({str(error).splitlines()[-1]}): copying the primary instead")
        else:
            return
    postgres.copy_primary(node)
    (node.folder / "initialised").touch()


def rewind(node: Node) -> None:
    """Undo on the old primary what the new one never saw, and make it follow the new one."""
    with superuser_session(node.other) as cursor:
        # Until its first checkpoint the new primary's control file names the old timeline, and pg_rewind sees no need.
        cursor.execute("CHECKPOINT")
    # A node that was not stopped in good order recovers in single-user mode first, and that refuses to be a standby.
    (node.data / "standby.signal").unlink(missing_ok=True)
    source = f"host=127.0.0.1 port={node.other.port} user={postgres.SUPERUSER} dbname=postgres"
    configuration = f"--config-file={node.folder / 'postgresql.conf'}"
    command = [postgres.binary("pg_rewind"), "-D", str(node.data), f"--source-server={source}", configuration]
    postgres.run_tool(node.layout, command, password=ensure_secrets(node.layout)["superuser"])
    postgres.mark_standby(node)


def _ensure_slots_on(standby: Node) -> None:
    """Slots do not travel with a base backup: the standby gets its own, for the day it is promoted."""
    deadline = time.monotonic() + 10
    while True:
        try:
            with superuser_session(standby) as cursor:
                ensure_slots(cursor)
            return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise StackError(
                    f"the standby does not answer:\n{log_tail(standby.layout, 'postgres-standby')}"
                ) from None
            time.sleep(0.1)


def wait_primary(layout: Layout, seconds_max: float = 30) -> None:
    """Return once the primary answers."""
    deadline = time.monotonic() + seconds_max
    while not primary_answers(layout):
        if time.monotonic() > deadline:
            raise StackError(f"the primary does not answer:\n{log_tail(layout, 'postgres-primary')}")
        time.sleep(0.1)
