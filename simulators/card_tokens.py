"""What the simulated provider does with each card token: THE map of its behaviour."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the first submit of an operation goes. Every later one gets the stored answer at once."""

    decline_code: str = ""
    """Empty: the card is charged."""
    is_slow: bool = False
    """Wait a second, less than a sensible client's timeout, before anything else."""
    holds_answer: bool = False
    """Decide, then keep the answer back for longer than the client waits."""
    breaks_answer: bool = False
    """Decide, then answer 500."""
    forgets_first: bool = False
    """The first submit is only noted and held, never decided: a query finds nothing, a second submit decides."""


BEHAVIOURS: dict[str, Behaviour] = {
    "tok_approve": Behaviour(),
    "tok_decline": Behaviour(decline_code="card_declined"),
    "tok_slow": Behaviour(is_slow=True),
    "tok_timeout_after_charge": Behaviour(holds_answer=True),
    "tok_500_after_charge": Behaviour(breaks_answer=True),
    "tok_timeout_before_charge": Behaviour(forgets_first=True),
}

UNKNOWN_TOKEN = Behaviour(decline_code="invalid_token")


def behaviour_of(*, token: str) -> Behaviour:
    """A token nobody issued is a decline, not an error: it came from a customer."""
    return BEHAVIOURS.get(token, UNKNOWN_TOKEN)
