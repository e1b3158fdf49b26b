"""PostgreSQL's rows about the ledger; the ledger itself is in Cassandra. One module a subject."""

from payments_ledger.models.backfills import LedgerBackfill
from payments_ledger.models.day_sums import DaySums
from payments_ledger.models.repairs import LedgerRepair, RepairedBlock, RepairedRow
from payments_ledger.models.sealing_run import SealingRun
from payments_ledger.models.settlement import SettlementBreak, SettlementMatch, SettlementRun
from payments_ledger.models.table_names import LedgerTableName
from payments_ledger.models.verification import Mode, Verdict, Verification

__all__ = [
    "DaySums",
    "LedgerBackfill",
    "LedgerRepair",
    "LedgerTableName",
    "Mode",
    "RepairedBlock",
    "RepairedRow",
    "SealingRun",
    "SettlementBreak",
    "SettlementMatch",
    "SettlementRun",
    "Verdict",
    "Verification",
]
