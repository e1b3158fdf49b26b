"""What three stores say of one payment, compared: its events, payments_by_id, and PostgreSQL's row. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from uuid import UUID

from payments_ledger.folding import RecordedEvent, fold

EVENTS, PROJECTION, POSTGRESQL = "payment_events", "payments_by_id", "postgresql"


@dataclass(frozen=True, slots=True)
class State:
    """A payment after the event numbered `version`, as one store has it. Amounts in minor units of `currency`."""

    version: int
    status: str | None
    currency: str | None
    authorized_minor: int | None
    captured_minor: int | None
    refunded_minor: int | None
    disputed_minor: int | None
    order_id: UUID | None
    user_id: UUID | None
    payment_type: str | None
    provider: str | None


_FIELDS = tuple(field.name for field in fields(State))


@dataclass(frozen=True, slots=True)
class Identity:
    """What no event of a payment changes, as its last recorded event says it."""

    order_id: UUID | None
    user_id: UUID | None
    payment_type: str | None
    provider: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every difference in a sentence, none when the stores agree; and whether the ledger has PostgreSQL's newest event.

    Being behind is no difference while the events have not been acknowledged.
    """

    differences: tuple[str, ...]
    is_current: bool


def compare(
    events: Sequence[RecordedEvent],
    identity: Identity | None,
    projection: State | None,
    decided: State | None,
    *,
    recorded_seq: int,
) -> Verdict:
    """Hold the stores to each other at the version that each of them has.

    `recorded_seq` must have been read first and `decided`, PostgreSQL's row, last: what was acknowledged before is then
    in every table, and no table knows of more than PostgreSQL. What lies between is on its way, and no difference.
    """
    folded = fold(events)
    differences = [f"{EVENTS}: {problem}" for problem in folded.contradictions]
    if folded.version < recorded_seq:
        differences.append(f"{EVENTS}: event {recorded_seq} was acknowledged, the last there is {folded.version}")
    if projection is None and recorded_seq:
        differences.append(f"{PROJECTION}: has no row")
    if projection is not None:
        if projection.version < recorded_seq:
            differences.append(f"{PROJECTION}: event {recorded_seq} was acknowledged, its version is older")
        differences += _against(events, identity, projection, PROJECTION)
    if decided is None:
        differences.append(f"{POSTGRESQL}: has no such payment")
    else:
        ahead = {EVENTS: folded.version, PROJECTION: projection.version if projection else 0}
        differences += [
            f"{store}: has version {version}, PostgreSQL only {decided.version}"
            for store, version in ahead.items()
            if version > decided.version
        ]
        differences += _against(events, identity, decided, POSTGRESQL)
    return Verdict(tuple(differences), is_current=decided is not None and folded.version >= decided.version)


def _against(events: Sequence[RecordedEvent], identity: Identity | None, state: State, store: str) -> list[str]:
    """How `state` differs from the events up to its version; nothing when these have not come so far."""
    said = _state_after(events, identity, state.version)
    if said is None:
        return []
    return [
        f"{store}.{name} is {getattr(state, name)}, the events say {getattr(said, name)}"
        for name in _FIELDS
        if getattr(state, name) != getattr(said, name)
    ]


def _state_after(events: Sequence[RecordedEvent], identity: Identity | None, version: int) -> State | None:
    folded = fold(events, up_to=version)
    if identity is None or folded.version != version:
        return None
    totals = folded.totals
    return State(
        version=version,
        status=folded.status,
        currency=folded.currency,
        authorized_minor=totals.authorized_minor,
        captured_minor=totals.captured_minor,
        refunded_minor=totals.refunded_minor,
        disputed_minor=totals.disputed_minor,
        order_id=identity.order_id,
        user_id=identity.user_id,
        payment_type=identity.payment_type,
        provider=identity.provider,
    )
