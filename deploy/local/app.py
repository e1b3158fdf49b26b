"""The app's part of a start: schemas and topics first, then its processes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from deploy.local.environment import child_environment, ensure_secrets
from deploy.local.layout import PROJECT_ROOT, PYTHON, Layout, StackError
from deploy.local.programs import APPS, WORKERS
from deploy.local.readiness import wait_ready, wait_workers
from deploy.local.supervisor import Supervisor

COMMAND_SECONDS_MAX = 180


def prepare_stores(layout: Layout) -> None:
    """Migrate PostgreSQL, then create the topics and migrate Cassandra meanwhile."""
    manage(layout, ["migrate", "--no-input", "--verbosity", "0"], role="owner")
    with ThreadPoolExecutor(max_workers=1) as pool:
        administrator = {"CASSANDRA_ADMIN_PASSWORD": ensure_secrets(layout)["cassandra"]}
        # Copies the calendar out of PostgreSQL, so it needs the tables.
        ledger = pool.submit(manage, layout, ["ledger", "migrate"], extra=administrator)
        # Notes in PostgreSQL which topics have appeared, so it needs the tables.
        manage(layout, ["create_topics"])
        ledger.result()


def manage(layout: Layout, arguments: list[str], *, role: str = "app", extra: Mapping[str, str] | None = None) -> str:
    """Run manage.py against the stack as that PostgreSQL role and return its output; a failure raises with it."""
    environment = child_environment(layout) | {"POSTGRES_ROLE": role} | dict(extra or {})
    done = subprocess.run(
        [str(PYTHON), "manage.py", *arguments],
        cwd=PROJECT_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"manage.py {' '.join(arguments)} failed ({done.returncode}):\n{done.stdout.strip()[-3000:]}")
    return done.stdout


def start_programs(layout: Layout) -> None:
    """Start the app's processes and return once each is ready."""
    supervisor = Supervisor(layout)
    for program in APPS:
        supervisor.start(program)
    others = [program for program in APPS if program not in WORKERS]
    with ThreadPoolExecutor(max_workers=len(APPS)) as pool:
        ready = [pool.submit(wait_ready, layout, program) for program in others]
        for future in [*ready, pool.submit(wait_workers, layout, WORKERS)]:
            future.result()
