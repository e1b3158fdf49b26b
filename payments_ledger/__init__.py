"""The payments ledger in Apache Cassandra: every payment event, recorded for ever, and the proof that it agrees."""
