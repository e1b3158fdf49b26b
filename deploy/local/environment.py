"""The env file of a stack: every variable the app reads, and the secrets behind it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.local.layout import Layout

SECRET_NAMES = (
    *("secret_key", "owner", "app", "superuser", "replicator", "redis", "supervisor", "webhook", "metrics"),
    # Cassandra's administrator, whose password stays out of the env file, and the ledger's roles.
    *("cassandra", "ledger_owner", "ledger_writer", "ledger_reader", "analyst"),
)
QUERY_DELAYS_SECONDS = "2,2,2,5,10"


def ensure_secrets(layout: Layout) -> dict[str, str]:
    """The stack's generated passwords, made on first use and kept with mode 0600; the servers follow them."""
    layout.make_folders()
    known: dict[str, str] = {}
    if layout.secrets_file.exists():
        known = json.loads(layout.secrets_file.read_text())
    missing = [name for name in SECRET_NAMES if name not in known]
    if missing:
        # Letters, digits, - and _ only: the values stand in URLs, in connection strings and in ini files unquoted.
        known.update({name: secrets.token_urlsafe(32) for name in missing})
        write_private(layout.secrets_file, json.dumps(known, indent=1) + "\n")
    return known


def derived_values(layout: Layout) -> dict[str, str]:
    """Variables that follow from ports, paths and secrets: they are rewritten at every start."""
    secret = ensure_secrets(layout)
    return {
        "COUNTINGHOUSE_STACK": layout.name,
        "PORT_BASE": str(layout.port_base),
        "SECRET_KEY": secret["secret_key"],
        "POSTGRES_HOSTS": "127.0.0.1,127.0.0.1",
        "POSTGRES_PORTS": f"{layout.port('postgres node a')},{layout.port('postgres node b')}",
        "POSTGRES_USER": "countinghouse_app",
        "POSTGRES_PASSWORD": secret["app"],
        "POSTGRES_OWNER_USER": "countinghouse_owner",
        "POSTGRES_OWNER_PASSWORD": secret["owner"],
        "REDIS_URL": f"redis://:{secret['redis']}@127.0.0.1:{layout.port('redis')}/0",
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{layout.port('kafka')}",
        "CASSANDRA_HOSTS": "127.0.0.1",
        "CASSANDRA_PORT": str(layout.port("cassandra cql")),
        "CASSANDRA_LOCAL_DC": "datacenter1",
        "CASSANDRA_ROLE": "writer",
        "CASSANDRA_OWNER_PASSWORD": secret["ledger_owner"],
        "CASSANDRA_WRITER_PASSWORD": secret["ledger_writer"],
        "CASSANDRA_READER_PASSWORD": secret["ledger_reader"],
        "CASSANDRA_ANALYST_PASSWORD": secret["analyst"],
        "PROVIDER_URL": f"http://127.0.0.1:{layout.port('provider')}",
        "PROVIDER_LOG": str(layout.home / "provider" / "log.jsonl"),
        "PROVIDER_WEBHOOK_SECRETS": secret["webhook"],
        "METRICS_TOKEN": secret["metrics"],
        "STANDBY_MARK_FILE": str(layout.standby_mark),
        "LEDGER_SEALS_FILE": str(layout.home / "ledger.seals"),
        "WEB_URL": layout.web_url,
    }


def default_values() -> dict[str, str]:
    """Variables a person may edit in the env file: an edited value is kept."""
    return {
        "DEBUG": "false",
        "SERVED_OVER_TLS": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "LOG_LEVEL": "INFO",
        "POSTGRES_DB": "countinghouse",
        "POSTGRES_ROLE": "app",
        "KAFKA_TOPIC_PREFIX": "",
        "KAFKA_GROUP_PREFIX": "",
        "CASSANDRA_KEYSPACE": "payments_ledger",
        "CASSANDRA_REPLICATION": "{'class':'NetworkTopologyStrategy','datacenter1':1}",
        "STANDBY_POLICY": "available",
        "STANDBY_GRACE_SECONDS": "5",
        "OPERATION_QUERY_DELAYS_SECONDS": QUERY_DELAYS_SECONDS,
        "OPERATION_LEASE_SECONDS": "10",
        # Endpoints of a stack on one machine are on that machine.
        "WEBHOOK_SCHEMES": "https,http",
        "WEBHOOK_PORTS": "",
        "WEBHOOK_ALLOW_PRIVATE_ADDRESSES": "true",
    }


def read_env(path: Path) -> dict[str, str]:
    """The KEY=VALUE lines of an env file; comments and blank lines are skipped, a missing file is empty."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#") and "=" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def write_env(layout: Layout, overrides: Mapping[str, str] | None = None) -> dict[str, str]:
    """Write the stack's env file and return its values: defaults, what stood there, derived, overrides."""
    kept = read_env(layout.env_file)
    values = default_values() | kept | derived_values(layout) | dict(overrides or {})
    body = "".join(f"{key}={values[key]}\n" for key in sorted(values))
    text = f"# Written by deploy.local at every start; ports, paths and passwords here are overwritten.\n{body}"
    if not layout.env_file.exists() or layout.env_file.read_text() != text:
        write_private(layout.env_file, text)
    return values


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    os.replace(temporary, path)


def child_environment(layout: Layout) -> dict[str, str]:
    """The environment of every process of the stack: the caller's, without what would slow it down or mislead it."""
    # PYTHONDONTWRITEBYTECODE makes each of eleven Python processes compile every module at every start (10 s);
    # variables of the caller's own shell must not overrule the stack's env file.
    unwanted = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", *default_values(), *derived_values(layout)}
    environment = {key: value for key, value in os.environ.items() if key not in unwanted and not key.startswith("PG")}
    environment["ENV_FILE"] = str(layout.env_file)
    environment["PYTHONUNBUFFERED"] = "1"
    # One malloc arena per core and thread would cost the JVMs and the threaded workers tens of megabytes each.
    environment["MALLOC_ARENA_MAX"] = "2"
    return environment
