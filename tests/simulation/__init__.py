"""The payments ledger in a small deterministic world: one process, one seed, no server. world.py puts it together."""
