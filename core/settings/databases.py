"""PostgreSQL (decides) and the Cassandra alias (records; see core.settings.cassandra)."""

from typing import Any

from core.env import env
from core.settings.cassandra import CASSANDRA_DATABASE

# Two roles: the owner runs migrations, the application role runs everything else and cannot touch history.
_role = env.str("POSTGRES_ROLE", default="app")
_prefix = "POSTGRES_OWNER_" if _role == "owner" else "POSTGRES_"

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "core.db.backend",
        "NAME": env.str("POSTGRES_DB", default="countinghouse"),
        "USER": env.str(f"{_prefix}USER", default=f"countinghouse_{_role}"),
        "PASSWORD": env.str(f"{_prefix}PASSWORD", default=""),
        # Primary and standby, both named: libpq takes the one that accepts writes, before and after a promotion.
        "HOST": env.str("POSTGRES_HOSTS", default="127.0.0.1"),
        "PORT": env.str("POSTGRES_PORTS", default="5432"),
        "CONN_MAX_AGE": env.int("POSTGRES_CONN_MAX_AGE_SECONDS", default=600),
        # Costs no round trip: see core.db.backend.
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "target_session_attrs": "read-write",
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
            "application_name": env.str("WORKER_ROLE", default="web"),
        },
    },
    "cassandra": CASSANDRA_DATABASE,
}

STANDBY = {
    "POLICY": env.str("STANDBY_POLICY", default="available"),
    "MARK_FILE": env.str("STANDBY_MARK_FILE", default=".local/dev/standby.degraded"),
    "GRACE_SECONDS": env.float("STANDBY_GRACE_SECONDS", default=5.0),
}
