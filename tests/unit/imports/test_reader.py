"""Files in all the shapes they come in, and those that cannot be used."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.orders.imports.errors import UnusableFile
from core.orders.imports.reader import read_rows
from tests.unit.imports.order_files import HEADER, row, write_csv, write_parquet

CELLS = ("1", "85048", "GLASS BALL", 2, "2010-02-01 08:00:00", 1.5, 13085.0, "France")


def test_parquet_rows_are_numbered_in_order(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a", [row("1"), row("2"), row("3")], row_group_size=2)

    rows = list(read_rows(path))

    assert [(each.number, each.cells[0], each.problem) for each in rows] == [(1, "1", ""), (2, "2", ""), (3, "3", "")]
    assert rows[0].cells == CELLS


def test_columns_may_be_spelt_otherwise_reordered_and_among_others(tmp_path: Path) -> None:
    other = row()
    renamed = {
        "UnitPrice": other["Price"], "InvoiceNo": other["Invoice"], "CustomerID": other["Customer ID"], "note": "x",
        "stock_code": other["StockCode"], "DESCRIPTION": "GLASS BALL", "Quantity": 2,
        "Invoice Date": other["InvoiceDate"], "country": "France",
    }  # fmt: skip

    assert next(read_rows(write_parquet(tmp_path / "a", [renamed]))).cells == CELLS


def test_timestamps_come_as_datetimes_in_any_unit(tmp_path: Path) -> None:
    when = datetime(2010, 2, 1, 8)
    for unit in ("s", "ms", "us", "ns"):
        table = pa.Table.from_pylist([row(InvoiceDate=when)])
        position = table.column_names.index("InvoiceDate")
        table = table.set_column(position, "InvoiceDate", pa.array([when], pa.timestamp(unit)))
        pq.write_table(table, tmp_path / unit)

        assert next(read_rows(tmp_path / unit)).cells[4] == when


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "cp1252")])
def test_csv_is_read_as_text_whatever_its_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    cells = ["0489434", "85048", '"CAFÉ £5\r\n""BIG"""', "2", "12/1/2010 8:26", "1.50", "", "Österreich"]
    path = write_csv(tmp_path / "a.csv", [delimiter.join(HEADER), delimiter.join(cells), ""], encoding)

    rows = list(read_rows(path))

    assert [each.cells for each in rows] == [
        ("0489434", "85048", 'CAFÉ £5\r\n"BIG"', "2", "12/1/2010 8:26", "1.50", "", "Österreich")
    ]


def test_csv_row_with_too_many_or_too_few_cells_has_a_problem(tmp_path: Path) -> None:
    good = "1,85048,x,2,2010-02-01,1.5,,France"
    path = write_csv(tmp_path / "a.csv", [",".join(HEADER), good, good + ",x", "7,8", good])

    rows = list(read_rows(path))

    assert [each.problem for each in rows] == ["", "9 cells instead of 8", "2 cells instead of 8", ""]
    assert rows[2].cells == ("7", "8", "", "", "", "", "", "")


@pytest.mark.parametrize("name", HEADER)
def test_every_column_is_needed(tmp_path: Path, name: str) -> None:
    without = {key: value for key, value in row().items() if key != name}

    with pytest.raises(UnusableFile, match=f"^missing columns: {name}$"):
        next(read_rows(write_parquet(tmp_path / "a.parquet", [without])))


def test_two_columns_for_one_thing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="two columns are both Price"):
        next(read_rows(write_parquet(tmp_path / "a.parquet", [row(UnitPrice=3.0)])))


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\x89PNG\r\n\x1a\n\0\0", b"PAR1", b"PAR1" + b"x" * 100, b"a,b\n1,2\n"]
)
def test_unusable_content_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(UnusableFile) as refused:
        list(read_rows(path))

    assert len(str(refused.value).splitlines()) == 1


def test_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a", [row(str(number)) for number in range(1000)])
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(UnusableFile, match="not a sound Parquet file"):
        list(read_rows(path))


def test_missing_file_and_directory_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UnusableFile, match="cannot be read"):
            list(read_rows(path))
