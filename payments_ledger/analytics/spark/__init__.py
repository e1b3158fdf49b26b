"""The ledger on Spark, for more than one machine: block digests against PostgreSQL, and the standard questions.

Only here is pyspark imported. It is no dependency of the application: `make spark` brings it (docs/spark.md).
"""
