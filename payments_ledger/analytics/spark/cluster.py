"""A Spark session that reads the ledger in Cassandra. What runs it (master, memory, jars) is spark-submit's affair."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from pyspark import SparkConf
from pyspark.sql import DataFrame, SparkSession

from payments_ledger.analytics.spark.reading import connector_options
from payments_ledger.tables import Table

APPLICATION = "countinghouse-ledger"
CATALOG = "ledger"

# The bridge to Java tells of each of its connections, some of them when the process is already ending.
logging.getLogger("py4j").setLevel(logging.WARNING)


@contextmanager
def spark_session(*, role: str = "reader") -> Iterator[SparkSession]:
    """A session for one job, stopped at its end, that signs in to Cassandra as this role of the ledger.

    What spark-submit was told wins over what is set here.
    """
    builder = SparkSession.builder.appName(APPLICATION)
    told = dict(SparkConf().getAll())
    options = connector_options(settings.LEDGER, catalog=CATALOG, role=role)
    for name, value in options.items():
        builder = builder.config(name, told.get(name, value))
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()


def rows_of(spark: SparkSession, table: Table) -> DataFrame:
    """A table of the ledger, under the name it has now. Ids are text; only what a query names is read."""
    return spark.table(f"{CATALOG}.{settings.LEDGER['KEYSPACE']}.{table.read_name}")
