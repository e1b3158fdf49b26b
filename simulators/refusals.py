"""How the provider says no to a request, as opposed to declining an operation."""


class Refusal(Exception):
    """Nothing was stored. Answered as {"error": {"code", "detail"}} with this status."""

    status = 400
    code = "invalid_request"


class BadRequest(Refusal):
    """The request cannot be read; its message says which part to mend."""


class NoSuchPath(Refusal):
    """Nothing is served there."""

    status, code = 404, "no_such_path"


class OperationConflict(Refusal):
    """This operation id was used before with another body. Use a new id, or send the first body again."""

    status, code = 422, "idempotency_conflict"


class NothingPending(Refusal):
    """No operation of this payment waits for its customer. Authorize one with a boleto's token first."""

    status, code = 409, "nothing_pending"


class NoSuchDispute(Refusal):
    """Open it first."""

    status, code = 404, "no_such_dispute"


class DisputeRefused(Refusal):
    """More than the customer has paid and not got back, or a dispute that has ended already."""

    status, code = 409, "dispute_refused"
