"""The ledger for analysts: day files in Parquet, standard questions over them, look-ups across partitions."""
