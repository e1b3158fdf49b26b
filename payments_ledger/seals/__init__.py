"""Closing days: seals in a hash chain, the totals of days, the audit of the chain, and how complete the books are.

A seal is decided in PostgreSQL, in one transaction (sealing.py), and published after that in three steps that may each
be done again: rows in ledger_seals, rows in daily_totals, a line in a file (publishing.py).
"""
