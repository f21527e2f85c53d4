"""XLSX workbooks: the first sheet as text, after a look at the archive so that a small file cannot fill memory."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from domain.data.csv_file import MISSING, checked_names, write_text
from errors import UnreadableTable

MOST_BYTES = 100 * 1024 * 1024
MOST_RATIO = 100
MOST_ENTRIES = 200
MOST_CELLS = 20_000_000
ROWS_AT_ONCE = 10_000
CHUNK_BYTES = 1 << 20
CELL = re.compile(rb"<(?:\w+:)?(?:c|row)\s[^>]*?\br=\"([A-Z]{0,3})(\d{1,7})\"")


def to_text(path: Path, target: Path) -> list[str]:
    """Write the cells of the first sheet as text columns `c0`, `c1`, … to the Parquet file `target`; their names.

    Whole numbers lose the `.0` that spreadsheets give them. Raises UnreadableTable.
    """
    check_archive(path)
    rows = iter(_first_sheet(path))
    header = next(rows, None)
    if not header:
        raise UnreadableTable("Its first sheet is empty: the first row must name the columns.")
    names = checked_names([_cell(value) or "" for value in header])
    write_text(target, len(names), _batches(rows, len(names)))
    return names


def check_archive(path: Path) -> None:
    """Raise UnreadableTable when the archive would unpack to more than a table needs."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive.infolist())
            sheets = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
            for sheet in sheets:
                _check_extent(archive, sheet)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UnreadableTable("It is not an XLSX workbook, or it is damaged or encrypted.") from error


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MOST_ENTRIES:
        raise UnreadableTable(f"The workbook has {len(entries)} parts; the most is {MOST_ENTRIES}.")
    if unpacked > MOST_BYTES:
        raise UnreadableTable(
            f"The workbook unpacks to {unpacked >> 20} MB; the most is {MOST_BYTES >> 20}. Save it as CSV."
        )
    if unpacked > MOST_RATIO * max(packed, 1):
        raise UnreadableTable("The workbook unpacks to more than 100 times its size and is refused.")


def _check_extent(archive: zipfile.ZipFile, sheet: str) -> None:
    """Readers keep a sheet as one dense block, so one far cell is as dear as a full sheet."""
    furthest_row, furthest_column, tail = 1, 1, b""
    with archive.open(sheet) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            for letters, row in CELL.findall(tail + chunk):
                furthest_row = max(furthest_row, int(row))
                furthest_column = max(furthest_column, _column_number(letters))
            tail = chunk[-200:]
    if furthest_row * furthest_column > MOST_CELLS:
        raise UnreadableTable(
            f"A sheet reaches to row {furthest_row}, column {furthest_column}. Delete the far cells or save it as CSV."
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _first_sheet(path: Path) -> list[list[Any]]:
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))
        return list(workbook.get_sheet_by_index(0).to_python())
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # calamine's PanicException is not an Exception
        raise UnreadableTable("The workbook is damaged, or has no sheet.") from error


def _batches(rows: Iterator[list[Any]], columns: int) -> Iterator[Any]:
    import pyarrow as pa

    schema = pa.schema([(f"c{n}", pa.string()) for n in range(columns)])
    numbered = enumerate(rows, 2)
    while block := list(islice(numbered, ROWS_AT_ONCE)):
        texts = [_row(row, columns, number) for number, row in block]
        kept = [row for row in texts if any(cell is not None for cell in row)]
        cells = [pa.array([row[n] for row in kept], pa.string()) for n in range(columns)]
        yield pa.record_batch(cells, schema=schema)


def _row(row: list[Any], columns: int, number: int) -> list[str | None]:
    cells = [_cell(value) for value in row]
    if any(cell is not None for cell in cells[columns:]):
        raise UnreadableTable(f"Row {number} has more cells than the header.", row=number)
    return cells[:columns] + [None] * (columns - len(cells))


def _cell(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value == datetime.combine(value, datetime.min.time()) else str(value)
    if isinstance(value, date):
        return value.isoformat()
    text = repr(value) if isinstance(value, float) else str(value)
    return None if text in MISSING else text
