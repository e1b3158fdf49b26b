"""How a checkout is to be paid, and how far its saga is."""

from enum import StrEnum


class CaptureMethod(StrEnum):
    AUTOMATIC = "automatic"  # captured as soon as every instrument is authorized
    MANUAL = "manual"  # held; the merchant captures later, in one or several parts


class CheckoutState(StrEnum):
    RUNNING = "running"  # going forward
    COMPENSATING = "compensating"  # giving back what was held and reserved
    COMPLETED = "completed"  # every step is done
    FAILED = "failed"  # every compensation is done


LIVE_STATES = frozenset({CheckoutState.RUNNING, CheckoutState.COMPENSATING})


class Progress(StrEnum):
    """What a step of the saga says when it is asked to go on."""

    DONE = "done"
    WAITING = "waiting"  # for a provider or for a person; asked again when something was recorded
    FAILED = "failed"  # only before the pivot: everything before it is to be compensated
