"""The provider's decisions: one per operation id, however often and however concurrently it is asked."""

import secrets
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from simulators.card_tokens import Behaviour, behaviour_of
from simulators.operation_log import OperationLog, Record

STRIPES = 1024


class Answering(StrEnum):
    """How an answer leaves the house."""

    AT_ONCE = "at_once"
    HELD = "held"
    """Later than the client waits."""
    BROKEN = "broken"
    """As a 500."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One request to move money; `amount_minor` in minor units of `currency`."""

    operation_id: UUID
    payment_id: UUID
    kind: str
    amount_minor: int
    currency: str
    token: str

    def as_record(self) -> Record:
        return {**asdict(self), "operation_id": str(self.operation_id), "payment_id": str(self.payment_id)}


@dataclass(frozen=True, slots=True)
class Decision:
    """The stored record of an operation (None when nothing was decided) and how to answer with it."""

    record: Record | None
    answering: Answering


class OperationConflict(Exception):
    """This operation id was used before with another body. Use a new id, or send the first body again."""


class Provider:
    """Decides charges and keeps every decision in the log. Safe for any number of threads."""

    def __init__(self, *, log: OperationLog, slow_seconds: float, stopping: threading.Event) -> None:
        self._log = log
        self._slow_seconds = slow_seconds
        self._stopping = stopping
        self._stripes = [threading.Lock() for _ in range(STRIPES)]
        self._decided: dict[str, Record] = {}
        self._noted: dict[str, Record] = {}
        for record in log.after(number=0):
            self._remember(record)

    def submit(self, *, charge: Charge) -> Decision:
        """Decide the operation, or repeat what was decided. The decision is on disk when this returns.

        Raises OperationConflict when the id is known with another body.
        """
        behaviour = behaviour_of(token=charge.token)
        if behaviour.is_slow and str(charge.operation_id) not in self._decided:
            self._stopping.wait(self._slow_seconds)
        with self._stripes[hash(charge.operation_id) % STRIPES]:
            return self._submit_alone(charge, behaviour)

    def find(self, *, operation_id: UUID) -> Record | None:
        """The stored decision, or None when the operation was never decided here."""
        return self._decided.get(str(operation_id))

    def decided_count(self) -> int:
        return len(self._decided)

    def _submit_alone(self, charge: Charge, behaviour: Behaviour) -> Decision:
        """Submit while no other thread can submit the same operation."""
        body = charge.as_record()
        known = self._decided.get(body["operation_id"]) or self._noted.get(body["operation_id"])
        if known is not None and any(known[field] != value for field, value in body.items()):
            raise OperationConflict(body["operation_id"])
        if known is not None and known["type"] == "operation":
            return Decision(record=known, answering=Answering.AT_ONCE)
        if behaviour.forgets_first and known is None:
            self._store({"type": "noted", **body})
            return Decision(record=None, answering=Answering.HELD)
        record = self._store(_decide(body, behaviour))
        return Decision(record=record, answering=_answering(behaviour))

    def _store(self, record: Record) -> Record:
        stored = self._log.append(record={**record, "at": datetime.now(UTC).isoformat(timespec="microseconds")})
        self._remember(stored)
        return stored

    def _remember(self, record: Record) -> None:
        known = self._decided if record["type"] == "operation" else self._noted
        known[record["operation_id"]] = record


def _decide(body: Record, behaviour: Behaviour) -> Record:
    approved = not behaviour.decline_code
    return {
        "type": "operation",
        **body,
        "status": "succeeded" if approved else "declined",
        "provider_ref": f"ch_{secrets.token_hex(12)}",
        "decline_code": behaviour.decline_code,
        "charged_minor": body["amount_minor"] if approved else 0,
    }


def _answering(behaviour: Behaviour) -> Answering:
    if behaviour.holds_answer:
        return Answering.HELD
    return Answering.BROKEN if behaviour.breaks_answer else Answering.AT_ONCE
