"""The configuration files of a PostgreSQL node. Both nodes have the same, but for port, slot and whom to follow."""

from __future__ import annotations

from deploy.local.environment import ensure_secrets, write_private
from deploy.local.postgres import REPLICATOR, Node, own

STANDBY_NAME = "standby"

# Settings that do not depend on the node.
COMMON = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "superuser_reserved_connections": "5",
    "shared_buffers": "128MB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    "wal_level": "logical",
    "wal_log_hints": "on",
    "wal_compression": "lz4",
    "jit": "off",
    # Under load (three others in a transaction) a commit waits 1 ms for others to share its write to disk: a fifth
    # less processor time an order. Orders of one product, which wait for each other, pay for it with a fifth more time.
    "commit_delay": "1000",
    "commit_siblings": "3",
    "max_wal_size": "1GB",
    # pg_rewind needs the WAL since the two nodes parted; a standby that stays away must not fill the disk.
    "wal_keep_size": "256MB",
    "max_slot_wal_keep_size": "2GB",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "synchronous_standby_names": f"FIRST 1 ({STANDBY_NAME})",
    "hot_standby": "on",
    "wal_receiver_status_interval": "1s",
    "wal_receiver_timeout": "5s",
    # A standby that hangs counts as gone after this, and only then does the guard's grace begin.
    "wal_sender_timeout": "3s",
    "wal_retrieve_retry_interval": "500ms",
}


def write_configuration(node: Node) -> None:
    """Write postgresql.conf and pg_hba.conf of the node, readable by the postgres user only."""
    node.folder.mkdir(parents=True, exist_ok=True)
    settings = COMMON | settings_of(node)
    rule = "127.0.0.1/32 scram-sha-256"
    files = {
        "postgresql.conf": "".join(f"{name} = '{value}'\n" for name, value in settings.items()),
        "pg_hba.conf": f"host all all {rule}\nhost replication {REPLICATOR} {rule}\n",
    }
    for name, body in files.items():
        write_private(node.folder / name, body)
        own(node.folder / name)
    own(node.folder)


def settings_of(node: Node) -> dict[str, str]:
    """What sets one node apart: its place, its port, and the other node, which it follows while it is standby."""
    password = ensure_secrets(node.layout)["replicator"]
    follow = f"host=127.0.0.1 port={node.other.port} user={REPLICATOR} password={password}"
    return {
        "data_directory": str(node.data),
        "hba_file": str(node.folder / "pg_hba.conf"),
        "port": str(node.port),
        "primary_conninfo": f"{follow} application_name={STANDBY_NAME} connect_timeout=2 keepalives_idle=2",
        "primary_slot_name": node.slot,
    }
