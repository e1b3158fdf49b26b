"""Rows whose cells stay the server's bytes, for the statements that ask for it.

The driver builds an object for each cell (an id, a time, a map): most of a client's work for a row, and for nothing
when the cells become columns anyway. It decodes by the types the server names in each answer; for a statement whose
result metadata is RawColumns those are set aside, and every cell is decoded as a blob.
"""

from typing import Any

from cassandra.cqltypes import BytesType
from cassandra.protocol import ProtocolHandler
from cassandra.query import PreparedStatement

_ResultMessage: Any = ProtocolHandler.message_types_by_opcode[0x08]


class RawColumns(list[Any]):
    """Result metadata of a prepared statement: its columns, every one a blob."""


def make_raw(statement: PreparedStatement) -> None:
    """From now on the cells of this statement's rows are bytes, or None where there is none."""
    statement.result_metadata = RawColumns((*column[:3], BytesType) for column in statement.result_metadata)


def is_raw(statement: PreparedStatement) -> bool:
    """False once the driver had to prepare the statement again, which replaces its metadata."""
    return isinstance(statement.result_metadata, RawColumns)


class _MaybeRawResult(_ResultMessage):  # type: ignore[misc, valid-type]
    is_raw = False

    def recv_results_rows(self, f: Any, version: int, types: Any, result_metadata: Any, policy: Any) -> None:
        self.is_raw = isinstance(result_metadata, RawColumns)
        super().recv_results_rows(f, version, types, result_metadata, policy)

    def recv_results_metadata(self, f: Any, user_type_map: Any) -> None:
        super().recv_results_metadata(f, user_type_map)
        if self.is_raw:
            # Without metadata in the answer the driver takes the statement's own.
            self.column_metadata = None


class RawRowsProtocolHandler(ProtocolHandler):  # type: ignore[misc]
    """The driver's own, with room for statements that want bytes; every other answer is decoded as ever."""

    message_types_by_opcode = {**ProtocolHandler.message_types_by_opcode, _MaybeRawResult.opcode: _MaybeRawResult}
