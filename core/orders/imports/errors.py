"""Why an import cannot go on."""


class UnusableFile(Exception):
    """The file cannot be imported at all; its message is one line saying why. Nothing was written."""


class BadRow(Exception):
    """One row cannot be read; its message is the reason that goes into the rejects file."""


class StockShort(Exception):
    """Products were sold while the import was writing, and what is left does not cover the file's own sales.

    Add stock to the products named and import the file again; it goes on where it stopped.
    """

    def __init__(self, skus: list[str]) -> None:
        super().__init__(", ".join(skus))
        self.skus = skus


class NotRecorded(Exception):
    """Cassandra has stopped acknowledging events; its message says how many are waiting.

    They are safe in PostgreSQL. Look at the relay and ledger workers, then import the file again.
    """
