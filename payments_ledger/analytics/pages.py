"""Whole blocks of events_by_day as the server sends them: pages of rows whose cells are bytes.

The driver would build an object for each cell (an id, a time, a map), which is most of the client's work for a row.
Bytes are turned into columns a page at a time instead (columns.py).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from cassandra.cluster import ResponseFuture

from payments_ledger import session
from payments_ledger.cluster import unavailable_when_away
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.raw_rows import is_raw
from payments_ledger.reconciliation.scope import Block
from payments_ledger.tables import EVENTS_BY_DAY

Cells = tuple[bytes | None, ...]

# What a row has beside the partition key.
ROW_COLUMNS = EVENTS_BY_DAY.columns[len(EVENTS_BY_DAY.partition_key) :]
PAGE_ROWS = 5000
# Blocks asked for before they are needed, so that the server reads while this process turns bytes into columns. Each
# may have one page in memory.
BLOCKS_AHEAD = 4


def pages(
    blocks: Iterable[Block], *, columns: Sequence[str] = ROW_COLUMNS, page_rows: int = PAGE_ROWS
) -> Iterator[tuple[Block, list[Cells]]]:
    """The rows of these blocks, a page at a time, blocks in the order given and rows in their clustering order.

    A block without rows gives no page. Raises LedgerUnavailable.
    """
    statement = session.prepared_raw(
        EVENTS_BY_DAY.select_cql(columns=tuple(columns), where=EVENTS_BY_DAY.partition_condition())
    )
    remaining = iter(blocks)
    asked: deque[tuple[Block, ResponseFuture]] = deque()

    def ask(count: int) -> None:
        for block in islice(remaining, count):
            bound = statement.bind(block)
            bound.fetch_size = page_rows
            asked.append((block, session.submit(bound)))

    ask(BLOCKS_AHEAD)
    while asked:
        block, future = asked.popleft()
        has_more = True
        while has_more:
            with unavailable_when_away():
                rows = future.result().current_rows
                has_more = future.has_more_pages
                if has_more:
                    future.start_fetching_next_page()
            if not is_raw(statement):
                session.close()
                raise LedgerUnavailable("it was restarted, or events_by_day altered, during the read; run this again")
            if not has_more:
                ask(1)
            if rows:
                yield block, rows
