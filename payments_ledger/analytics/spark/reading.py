"""How Spark's connector reads the ledger, as options of a session. Pure, and without pyspark."""

from collections.abc import Mapping
from typing import Any

# A task reads about so much of a table. The connector's 512 MB leaves a small ledger to one core.
SPLIT_MEGABYTES = 16


def connector_options(ledger: Mapping[str, Any], *, catalog: str, role: str = "reader") -> dict[str, str]:
    """Options by name, for the Cassandra that the settings `ledger` describe; signed in as `role` where it asks."""
    options = {
        "spark.cassandra.connection.host": ",".join(ledger["HOSTS"]),
        "spark.cassandra.connection.port": str(ledger["PORT"]),
        "spark.cassandra.connection.localDC": ledger["LOCAL_DC"],
        # At LOCAL_ONE a row that one replica lacks would be a difference that a quorum does not see.
        "spark.cassandra.input.consistency.level": "LOCAL_QUORUM",
        "spark.cassandra.input.split.sizeInMB": str(SPLIT_MEGABYTES),
        f"spark.sql.catalog.{catalog}": "com.datastax.spark.connector.datasource.CassandraCatalog",
        "spark.sql.extensions": "com.datastax.spark.connector.CassandraSparkExtensions",
        # Booking days are UTC days; Spark would read times in the zone of whoever starts it.
        "spark.sql.session.timeZone": "UTC",
    }
    if password := ledger["PASSWORDS"][role]:
        options["spark.cassandra.auth.username"] = ledger["USERS"][role]
        options["spark.cassandra.auth.password"] = password
    return options
