"""What must be so at the end of every life in the small world, and of every report in the middle of it."""

from payments_ledger import replay
from payments_ledger.reconciliation.report import Kind, Report
from payments_ledger.reconciliation.verify import verify
from payments_ledger.tables import PAYMENT_EVENTS
from tests.simulation import expected
from tests.simulation.books import Books, Key
from tests.simulation.coordinator import Coordinator
from tests.simulation.topic import Topic


class Violation(AssertionError):
    """The world is not as it should be; the message begins with the seed that shows it."""


class Judged:
    """A world of which it can be said whether it is as it should be."""

    seed: int
    books: Books
    cassandra: Coordinator
    topic: Topic
    delivered: set[Key]

    def check(self) -> None:
        """No loss but the losses of the topic that nothing could show, each of them named; then replay, then equal."""
        absent = set(self.books.events) - self._recorded_keys()
        hidden = {key for key in self.topic.lost if not self._is_revealed(key)}
        self._require(absent <= hidden, f"lost: {_names(absent - hidden)}")
        newest = dict(sorted(self.books.events))
        behind = {key for key in newest.items() if self.books.recorded.get(key[0]) != key[1]}
        stuck = {key for key in behind if key[0] not in {payment_id for payment_id, _ in hidden}}
        self._require(not stuck, f"never acknowledged: {_names(stuck)}")
        found = verify()
        named = {
            (each.payment_id, each.seq)
            for each in found.differences
            if each.table == PAYMENT_EVENTS.name and each.payment_id and each.seq
        }
        self._require(named == absent, f"verify names {_names(named)}, absent are {_names(absent)}")
        self._require_true_alarms(found)
        for _ in replay.replay():
            pass
        for report in (verify(), verify(is_deep=False)):
            self._require(report.agrees, f"after the replay verify still says {_sentences(report)}")
        self._require(self.books.recorded == newest, "recorded_seq is not the newest sequence number of each payment")
        for table, (want, have) in expected.differences(self.books, self.cassandra).items():
            self._require(False, f"{table} should hold {want} and holds {have}")
        self._require(self.cassandra.tombstones() == 0, f"{self.cassandra.tombstones()} tombstones")

    def _recorded_keys(self) -> set[Key]:
        return {(row["payment_id"], row["seq"]) for row in self.cassandra.everything(PAYMENT_EVENTS.name)}

    def _is_revealed(self, key: Key) -> bool:
        """Whether a later message of the payment has reached a sink, which shows that this one is missing."""
        payment_id, seq = key
        return any(other == payment_id and later > seq for other, later in self.delivered)

    def _require_true_alarms(self, report: Report) -> None:
        """Only an event that Cassandra has not acknowledged in its time of grace may be reported."""
        for each in report.differences:
            is_true = each.kind in (Kind.MISSING, Kind.STALE) and (each.payment_id, each.seq) in self.books.late
            self._require(is_true, f"false alarm: {each.sentence()}")
        self._require(sum(report.counts.values()) == len(report.differences), "differences without a name")

    def _require(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            raise Violation(f"SEED={self.seed}: {otherwise}")


def _names(keys: set[Key]) -> str:
    return ", ".join(f"{payment_id}/{seq}" for payment_id, seq in sorted(keys)) or "none"


def _sentences(report: Report) -> str:
    return "; ".join(each.sentence() for each in report.differences[:5])
