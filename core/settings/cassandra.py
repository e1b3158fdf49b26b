"""Where the ledger lives. The hot path uses payments_ledger.session; the Django alias only carries the settings."""

import json
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, ExecutionProfile
from django.core.exceptions import ImproperlyConfigured

from core.env import PROJECT_ROOT, env

# Who signs in, by what for. Grants are made in payments_ledger.roles; the names are fixed so that nobody has to look.
LEDGER_USERS = {"owner": "ledger_owner", "writer": "ledger_writer", "reader": "ledger_reader", "analyst": "analyst"}

LEDGER: dict[str, Any] = {
    "HOSTS": env.list("CASSANDRA_HOSTS", default=["127.0.0.1"]),
    "PORT": env.int("CASSANDRA_PORT", default=9042),
    "LOCAL_DC": env.str("CASSANDRA_LOCAL_DC", default="datacenter1"),
    "KEYSPACE": env.str("CASSANDRA_KEYSPACE", default="payments_ledger"),
    # A CQL map, as in CREATE KEYSPACE … WITH replication. 3 per data centre in production.
    "REPLICATION": env.str("CASSANDRA_REPLICATION", default="{'class':'NetworkTopologyStrategy','datacenter1':1}"),
    # What this process signs in as: writer (sink, tasks, commands) or reader (web). Schema changes are the owner's.
    "ROLE": env.str("CASSANDRA_ROLE", default="writer"),
    "USERS": LEDGER_USERS,
    # A process needs only the password of its own role; without one it signs in to servers that ask for none.
    "PASSWORDS": {
        "owner": env.str("CASSANDRA_OWNER_PASSWORD", default=""),
        "writer": env.str("CASSANDRA_WRITER_PASSWORD", default=""),
        "reader": env.str("CASSANDRA_READER_PASSWORD", default=""),
        "analyst": env.str("CASSANDRA_ANALYST_PASSWORD", default=""),
    },
    # How often recent days are verified, quickly; 0 for never.
    "VERIFY_EVERY_SECONDS": env.float("LEDGER_VERIFY_EVERY_SECONDS", default=300.0),
    # For `ledger migrate` alone: with it the roles are made, their passwords set, and the well-known one changed.
    "ADMIN_USER": env.str("CASSANDRA_ADMIN_USER", default="cassandra"),
    "ADMIN_PASSWORD": env.str("CASSANDRA_ADMIN_PASSWORD", default=""),
}
if LEDGER["ROLE"] not in LEDGER_USERS:
    raise ImproperlyConfigured(f"CASSANDRA_ROLE={LEDGER['ROLE']}: use one of {', '.join(LEDGER_USERS)}")

# The chain of seals outside both databases; on a disk that outlives either, and backed up.
LEDGER_SEALS_FILE = env.str("LEDGER_SEALS_FILE", default=".local/dev/ledger.seals")
# Where `manage.py ledger export` writes and `manage.py ledger ask` reads.
LEDGER_EXPORT_FOLDER = env.str("LEDGER_EXPORT_FOLDER", default=str(PROJECT_ROOT / ".local" / "ledger-export"))

_replication = json.loads(str(LEDGER["REPLICATION"]).replace("'", '"'))

CASSANDRA_DATABASE: dict[str, Any] = {
    "ENGINE": "django_cassandra_engine",
    "NAME": LEDGER["KEYSPACE"],
    "HOST": ",".join(LEDGER["HOSTS"]),
    "USER": LEDGER_USERS[LEDGER["ROLE"]],
    "PASSWORD": LEDGER["PASSWORDS"][LEDGER["ROLE"]],
    "OPTIONS": {
        "replication": {"strategy_class": _replication["class"], "replication_factor": 1},
        "connection": {
            # The engine ignores DATABASES' PORT; the level is in a profile because the engine drops a bare
            # `consistency` on its second connect and would fall back to LOCAL_ONE without a word.
            "port": LEDGER["PORT"],
            "lazy_connect": True,
            "retry_connect": True,
            "execution_profiles": {
                EXEC_PROFILE_DEFAULT: ExecutionProfile(consistency_level=ConsistencyLevel.LOCAL_QUORUM)
            },
        },
    },
}
