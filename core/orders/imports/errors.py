"""Why an import cannot go on."""


class UnusableFile(Exception):
    """The file cannot be imported at all; its message is one line saying why. Nothing was written."""


class BadRow(Exception):
    """One row cannot be read; its message is the reason that goes into the rejects file."""
