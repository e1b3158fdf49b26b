"""cqlsh on the stack's ledger, signed in as one of its roles."""

from __future__ import annotations

import os

from deploy.local.environment import read_env, write_private
from deploy.local.layout import Layout, StackError
from deploy.local.setup import ensure_cqlsh

# The same names as in core/settings/cassandra.py, which needs Django's environment to be read.
USERS = {"owner": "ledger_owner", "writer": "ledger_writer", "reader": "ledger_reader", "analyst": "analyst"}
DEFAULT_ROLE = "analyst"


def open_cqlsh(layout: Layout, arguments: list[str]) -> None:
    """Replace this process by cqlsh on the stack's keyspace, as the role in ROLE: an analyst unless told otherwise."""
    values = read_env(layout.env_file)
    role = os.environ.get("ROLE") or DEFAULT_ROLE
    if role not in USERS:
        raise StackError(f"ROLE={role}: choose one of {', '.join(USERS)}")
    password = values.get(f"CASSANDRA_{role.upper()}_PASSWORD")
    if not password:
        raise StackError(f"{layout.env_file} has no password for {role}: run `make up` first")
    credentials = layout.run / f"cqlsh-{role}"
    # A file, because every process list shows arguments; cqlsh reads it only when nobody else can.
    write_private(credentials, f"[plain_text_auth]\nusername = {USERS[role]}\npassword = {password}\n")
    program = str(ensure_cqlsh())
    address = ["127.0.0.1", str(layout.port("cassandra cql")), "-k", values["CASSANDRA_KEYSPACE"]]
    os.execv(program, [program, *address, "--credentials", str(credentials), *arguments])
