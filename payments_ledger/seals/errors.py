"""Why a day cannot be sealed now."""


class SealingBusy(Exception):
    """Another process is sealing; nothing was done. Wait for it, or for its database session to end."""


class ChainBroken(Exception):
    """The published file does not end where PostgreSQL's chain of seals does, so nothing is added to either.

    Its message says how they differ. `manage.py ledger audit-chain` names what was changed.
    """
