"""Proof that PostgreSQL and Cassandra hold the same events: digests block by block, then keys where blocks differ."""
