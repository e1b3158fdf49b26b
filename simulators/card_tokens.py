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


class Answering(StrEnum):
    """How the answer to the submit that decides leaves the house. Every later submit is answered at once."""

    AT_ONCE = "at_once"
    HELD = "held"
    """Later than the client waits."""
    BROKEN = "broken"
    """As a 500."""
    AFTER_WEBHOOK = "after_webhook"
    """When the webhook about it has been sent and answered, which is sooner than most clients expect it."""


class Decides(StrEnum):
    """When the provider makes up its mind."""

    NOW = "now"
    WHEN_CONTROLLED = "when_controlled"
    """The operation stays pending until somebody says how it ends."""
    SUCCEEDS_LATER = "succeeds_later"
    EXPIRES_LATER = "expires_later"


class Notifying(StrEnum):
    """How the webhooks of a payment are sent."""

    ONCE = "once"
    TWICE = "twice"
    REORDERED = "reordered"
    """The authorization's comes after that of the next operation."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one kind of operation goes with one token."""

    decline_code: str = ""
    """Empty: what was asked is done, as far as the payment allows it."""
    answering: Answering = Answering.AT_ONCE
    decides: Decides = Decides.NOW
    is_slow: bool = False
    """Wait a second, less than a sensible client's time-out, before anything else."""
    is_told_late: bool = False
    """The trouble that loses the answer keeps the webhook back as well, so that the client is left without either."""
    forgets_first: bool = False
    """The first submit is only noted and held, never decided: a query finds nothing, a second submit decides."""


PLAIN = Behaviour()
HELD = Behaviour(answering=Answering.HELD, is_told_late=True)
BROKEN = Behaviour(answering=Answering.BROKEN, is_told_late=True)


def declined(code: str) -> Behaviour:
    return Behaviour(decline_code=code)


@dataclass(frozen=True, slots=True)
class Token:
    """How each kind of operation goes; what is not named goes plainly."""

    kinds: Mapping[Kind, Behaviour] = field(default_factory=dict)
    notifying: Notifying = Notifying.ONCE


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
    "tok_webhook_duplicate": Token(notifying=Notifying.TWICE),
    "tok_webhook_reordered": Token(notifying=Notifying.REORDERED),
    "tok_webhook_early": Token(dict.fromkeys(Kind, Behaviour(answering=Answering.AFTER_WEBHOOK))),
    "tok_webhook_only": Token(dict.fromkeys(Kind, Behaviour(answering=Answering.HELD))),
    # A boleto: the customer gets a slip and pays it days later, or never.
    "tok_boleto": Token({Kind.AUTHORIZE: Behaviour(decides=Decides.WHEN_CONTROLLED)}),
    "tok_boleto_paid": Token({Kind.AUTHORIZE: Behaviour(decides=Decides.SUCCEEDS_LATER)}),
    "tok_boleto_expired": Token({Kind.AUTHORIZE: Behaviour(decides=Decides.EXPIRES_LATER)}),
}

# A token nobody issued is a decline, not an error: it came from a customer.
UNKNOWN_TOKEN = Token({Kind.AUTHORIZE: declined("invalid_token")})


def behaviour_of(*, token: str, kind: Kind) -> Behaviour:
    """How an operation of this kind goes with this token."""
    return TOKENS.get(token, UNKNOWN_TOKEN).kinds.get(kind, PLAIN)


def notifying_of(*, token: str) -> Notifying:
    """How the webhooks about payments with this token are sent."""
    return TOKENS.get(token, UNKNOWN_TOKEN).notifying
