"""Where the ledger lives. The hot path uses payments_ledger.session; the Django alias only carries the settings."""

import json
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, ExecutionProfile

from core.env import env

LEDGER = {
    "HOSTS": env.list("CASSANDRA_HOSTS", default=["127.0.0.1"]),
    "PORT": env.int("CASSANDRA_PORT", default=9042),
    "LOCAL_DC": env.str("CASSANDRA_LOCAL_DC", default="datacenter1"),
    "KEYSPACE": env.str("CASSANDRA_KEYSPACE", default="payments_ledger"),
    # A CQL map, as in CREATE KEYSPACE … WITH replication. 3 per data centre in production.
    "REPLICATION": env.str("CASSANDRA_REPLICATION", default="{'class':'NetworkTopologyStrategy','datacenter1':1}"),
}

_replication = json.loads(str(LEDGER["REPLICATION"]).replace("'", '"'))

CASSANDRA_DATABASE: dict[str, Any] = {
    "ENGINE": "django_cassandra_engine",
    "NAME": LEDGER["KEYSPACE"],
    "HOST": ",".join(LEDGER["HOSTS"]),  # type: ignore[arg-type]
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
