"""`manage.py ledger report`: one page, complete in itself, with what the ledger holds and how well its stores agree."""
