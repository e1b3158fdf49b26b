"""The provider's decisions: one per operation id, however often and however concurrently it is asked."""

import secrets
import threading
from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from simulators.card_tokens import Answering, Behaviour, Decides, Kind, behaviour_of
from simulators.fees import fee_of_dispute, fee_of_operation
from simulators.operation_log import OperationLog, Record
from simulators.operation_request import OperationRequest
from simulators.payment_totals import PaymentTotals
from simulators.refusals import DisputeRefused, NoSuchDispute, NothingPending, OperationConflict

STRIPES = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What to tell of an operation (None: nothing was decided) and how."""

    record: Record | None
    answering: Answering


class Provider:
    """Decides operations within what each payment allows and keeps every decision in the log.

    Safe for any number of threads. A lock is taken for the operation's id, so that one body wins, and then for its
    payment, so that no two operations spend the same amount; in this order everywhere.
    """

    def __init__(self, *, log: OperationLog, slow_seconds: float, stopping: threading.Event) -> None:
        self._log = log
        self._slow_seconds = slow_seconds
        self._stopping = stopping
        self._operation_locks = [threading.Lock() for _ in range(STRIPES)]
        self._payment_locks = [threading.Lock() for _ in range(STRIPES)]
        self._known: dict[str, Record] = {}
        self._disputes: dict[str, Record] = {}
        self._totals: defaultdict[str, PaymentTotals] = defaultdict(PaymentTotals)
        for record in log.after(number=0):
            self._remember(record)

    def submit(self, *, request: OperationRequest) -> Answer:
        """Decide the operation, or repeat what was decided. The decision is on disk when this returns.

        Raises OperationConflict when the id is known with another body.
        """
        behaviour = behaviour_of(token=request.token, kind=request.kind)
        if behaviour.is_slow and str(request.operation_id) not in self._known:
            self._stopping.wait(self._slow_seconds)
        operation_lock = self._operation_locks[hash(request.operation_id) % STRIPES]
        payment_lock = self._payment_locks[hash(request.payment_id) % STRIPES]
        with operation_lock, payment_lock:
            return self._submit_alone(request, behaviour)

    def end_pending(self, *, payment_id: UUID, is_paid: bool) -> Record:
        """Decide what the payment waits for: the customer paid the slip, or it expired. Raises NothingPending."""
        with self._payment_locks[hash(payment_id) % STRIPES]:
            pending_id = self.totals(payment_id=payment_id).pending_id
            if not pending_id:
                raise NothingPending(f"payment {payment_id} waits for nobody")
            pending = self._known[pending_id]
            draft = {field: value for field, value in pending.items() if field not in ("n", "at")}
            return self._store(_decision(draft, "" if is_paid else "expired"))

    def open_dispute(self, *, payment_id: UUID, amount_minor: int, reason: str) -> Record:
        """The customer's bank takes this much back until the dispute ends. Raises DisputeRefused."""
        with self._payment_locks[hash(payment_id) % STRIPES]:
            totals = self.totals(payment_id=payment_id)
            if amount_minor > totals.refundable_minor:
                raise DisputeRefused(f"only {totals.refundable_minor} can be disputed of payment {payment_id}")
            draft = {
                "dispute_id": f"dispute_{secrets.token_hex(12)}",
                "payment_id": str(payment_id),
                "amount_minor": amount_minor,
                "currency": totals.currency,
                "reason": reason,
                "token": totals.token,
            }
            return self._store(_dispute_step(draft, event="opened", status="open"))

    def end_dispute(self, *, dispute_id: str, status: str) -> Record:
        """The bank decided: `won` brings the amount back, `lost` leaves it gone.

        Raises NoSuchDispute or DisputeRefused.
        """
        try:
            payment_id = UUID(self._disputes[dispute_id]["payment_id"])
        except KeyError:
            raise NoSuchDispute(dispute_id) from None
        with self._payment_locks[hash(payment_id) % STRIPES]:
            dispute = self._disputes[dispute_id]
            if dispute["status"] != "open":
                raise DisputeRefused(f"dispute {dispute_id} is {dispute['status']} already")
            draft = {field: value for field, value in dispute.items() if field not in ("n", "at")}
            return self._store(_dispute_step(draft, event=status, status=status))

    def find(self, *, operation_id: UUID) -> Record | None:
        """What is known of the operation, decided or pending; None when the provider never took it."""
        record = self._known.get(str(operation_id))
        return None if record is None or record["type"] == "noted" else record

    def totals(self, *, payment_id: UUID) -> PaymentTotals:
        """What the payment amounts to; all zero when nobody knows it."""
        return self._totals.get(str(payment_id), PaymentTotals())

    def known_count(self) -> int:
        return len(self._known)

    def _submit_alone(self, request: OperationRequest, behaviour: Behaviour) -> Answer:
        """Submit while no other thread can submit the same operation or touch the same payment."""
        body = request.as_record()
        known = self._known.get(body["operation_id"])
        if known is not None and any(known[field] != value for field, value in body.items()):
            raise OperationConflict(f"operation {body['operation_id']} was used with another body")
        if known is not None and known["type"] != "noted":
            return Answer(record=known, answering=Answering.AT_ONCE)
        if behaviour.forgets_first and known is None:
            self._store({"type": "noted", **body})
            return Answer(record=None, answering=Answering.HELD)
        refusal = self._totals[body["payment_id"]].refusal(
            kind=request.kind, amount_minor=request.amount_minor, currency=request.currency, token=request.token
        )
        draft = {**body, "provider_ref": f"{request.kind}_{secrets.token_hex(12)}"}
        decline_code = refusal or behaviour.decline_code
        if behaviour.decides is not Decides.NOW and not decline_code:
            record = self._store({"type": "pending", **draft, "status": "pending", "decline_code": ""})
        else:
            record = self._store(_decision(draft, decline_code))
        return Answer(record=record, answering=behaviour.answering)

    def _store(self, record: Record) -> Record:
        stored = self._log.append(record=record)
        self._remember(stored)
        return stored

    def _remember(self, record: Record) -> None:
        if "operation_id" in record:
            self._known[record["operation_id"]] = record
        elif record["type"] == "dispute":
            self._disputes[record["dispute_id"]] = record
        self._totals[record["payment_id"]].apply(record)


def _decision(draft: Record, decline_code: str) -> Record:
    """The record of a decided operation: all of its amount moved, or none."""
    moved_minor = 0 if decline_code else draft["amount_minor"]
    return {
        **draft,
        "type": "operation",
        "status": "declined" if decline_code else "succeeded",
        "decline_code": decline_code,
        "moved_minor": moved_minor,
        "fee_minor": fee_of_operation(kind=Kind(draft["kind"]), moved_minor=moved_minor),
    }


def _dispute_step(draft: Record, *, event: str, status: str) -> Record:
    reference = f"{event}_{draft['dispute_id']}"
    step = {"type": "dispute", "event": event, "status": status, "provider_ref": reference}
    return {**draft, **step, "fee_minor": fee_of_dispute(status=status)}
