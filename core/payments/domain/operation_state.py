"""What is asked of a provider, and how far the asking is."""

from enum import StrEnum


class OperationKind(StrEnum):
    AUTHORIZE = "authorize"  # hold the amount
    CAPTURE = "capture"  # take a part of what is held, or all of it
    VOID = "void"  # let go of what is held and not taken
    REFUND = "refund"  # give back a part of what was taken, or all of it


class OperationState(StrEnum):
    REQUESTED = "requested"  # to be submitted
    SUBMITTED = "submitted"  # a worker holds the lease and is calling the provider
    UNKNOWN = "unknown"  # no certain answer; to be asked for
    ACCEPTED = "accepted"  # the provider took it and decides later
    SUCCEEDED = "succeeded"  # the provider confirmed
    DECLINED = "declined"  # the provider refused
    CANCELED = "canceled"  # given up before it could reach the provider


OPEN_OPERATION_STATES = (
    OperationState.REQUESTED,
    OperationState.SUBMITTED,
    OperationState.UNKNOWN,
    OperationState.ACCEPTED,
)
# The provider may have acted already, so nobody may decide in its place.
AT_PROVIDER_STATES = frozenset({OperationState.SUBMITTED, OperationState.UNKNOWN, OperationState.ACCEPTED})


class Attention(StrEnum):
    """Why a person must look at an operation. Nothing more happens to it by itself, but for the provider's own word."""

    CAPTURE_DECLINED = "capture_declined"  # the order is confirmed and its money cannot be taken
    VOID_DECLINED = "void_declined"  # a compensation failed: the customer's money is still held
    REFUND_DECLINED = "refund_declined"  # the customer was promised money back
    AMOUNT_DIFFERS = "amount_differs"  # the provider speaks of another amount; nothing was booked
    OUTCOME_UNKNOWN = "outcome_unknown"  # every planned query went without a certain answer; asking goes on
    CONTRADICTED = "contradicted"  # the provider now says otherwise than it said, and than we booked
