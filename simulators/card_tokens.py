"""What the simulated provider does with each instrument's token: THE map of its behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What can be asked of the provider."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    CHARGE = "charge"
    """Authorize and capture in one: the only kind before the others came. It behaves as the token's authorize."""


class Answering(StrEnum):
    """How the answer to the submit that decides leaves the house. Every later submit is answered at once."""

    AT_ONCE = "at_once"
    HELD = "held"
    """Later than the client waits."""
    BROKEN = "broken"
    """As a 500."""


class Decides(StrEnum):
    """When the provider makes up its mind."""

    NOW = "now"
    WHEN_CONTROLLED = "when_controlled"
    """The operation stays pending until somebody says how it ends."""
    SUCCEEDS_LATER = "succeeds_later"
    EXPIRES_LATER = "expires_later"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one kind of operation goes with one token."""

    decline_code: str = ""
    """Empty: what was asked is done, as far as the payment allows it."""
    answering: Answering = Answering.AT_ONCE
    decides: Decides = Decides.NOW
    is_slow: bool = False
    """Wait a second, less than a sensible client's time-out, before anything else."""
    forgets_first: bool = False
    """The first submit is only noted and held, never decided: a query finds nothing, a second submit decides."""


PLAIN = Behaviour()
HELD = Behaviour(answering=Answering.HELD)
BROKEN = Behaviour(answering=Answering.BROKEN)


def declined(code: str) -> Behaviour:
    return Behaviour(decline_code=code)


@dataclass(frozen=True, slots=True)
class Token:
    """How each kind of operation goes; what is not named goes plainly."""

    kinds: Mapping[Kind, Behaviour] = field(default_factory=dict)


TOKENS: dict[str, Token] = {
    "tok_approve": Token(),
    "tok_decline": Token({Kind.AUTHORIZE: declined("card_declined")}),
    "tok_slow": Token({Kind.AUTHORIZE: Behaviour(is_slow=True)}),
    "tok_timeout_after_charge": Token({Kind.AUTHORIZE: HELD}),
    "tok_500_after_charge": Token({Kind.AUTHORIZE: BROKEN}),
    "tok_timeout_before_charge": Token({Kind.AUTHORIZE: Behaviour(forgets_first=True)}),
    "tok_capture_timeout": Token({Kind.CAPTURE: HELD}),
    "tok_capture_500": Token({Kind.CAPTURE: BROKEN}),
    "tok_capture_decline": Token({Kind.CAPTURE: declined("authorization_expired")}),
    "tok_void_timeout": Token({Kind.VOID: HELD}),
    "tok_void_decline": Token({Kind.VOID: declined("void_declined")}),
    "tok_refund_timeout": Token({Kind.REFUND: HELD}),
    "tok_refund_500": Token({Kind.REFUND: BROKEN}),
    "tok_refund_decline": Token({Kind.REFUND: declined("refund_declined")}),
    # A boleto: the customer gets a slip and pays it days later, or never.
    "tok_boleto": Token({Kind.AUTHORIZE: Behaviour(decides=Decides.WHEN_CONTROLLED)}),
    "tok_boleto_paid": Token({Kind.AUTHORIZE: Behaviour(decides=Decides.SUCCEEDS_LATER)}),
    "tok_boleto_expired": Token({Kind.AUTHORIZE: Behaviour(decides=Decides.EXPIRES_LATER)}),
}

# A token nobody issued is a decline, not an error: it came from a customer.
UNKNOWN_TOKEN = Token({Kind.AUTHORIZE: declined("invalid_token")})


def behaviour_of(*, token: str, kind: Kind) -> Behaviour:
    """How an operation of this kind goes with this token."""
    kinds = TOKENS.get(token, UNKNOWN_TOKEN).kinds
    return kinds.get(Kind.AUTHORIZE if kind is Kind.CHARGE else kind, PLAIN)
