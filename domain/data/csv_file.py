"""CSV and TSV files as text: whatever the encoding, line ends and quotes, every cell as it was written."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import UnreadableTable

MISSING = ("", "n/a", "N/A", "NA", "NaN", "nan", "NULL", "null")
MOST_COLUMNS = 10_000
CHUNK_BYTES = 1 << 20
BLOCK_BYTES = 8 << 20
# The export puts an apostrophe before text that a spreadsheet would run as a formula; reading takes it away again.
GUARD = re.compile("^'('*[=+@\t\r-])")
GUARD_BYTES = re.compile(b"'[=+@\t\r-]")


@dataclass(frozen=True)
class Layout:
    """How the file is written: `path` is its UTF-8 form, `open_quote` whether some quote has no partner,
    `guarded` whether an apostrophe may stand before what looks like a formula."""

    path: Path
    delimiter: str
    names: list[str]
    has_rows: bool
    open_quote: bool
    guarded: bool


@dataclass
class Survey:
    """What one pass over the bytes finds. Bytes that are not UTF-8 are latin-1."""

    encoding: str = "utf-8"
    quotes: int = 0
    guarded: bool = False


def to_text(path: Path, target: Path) -> list[str]:
    """Write the cells of the file as text columns `c0`, `c1`, … to the Parquet file `target`; returns their names.

    Raises UnreadableTable, with the row where it is known (the header is row 1).
    """
    layout = _layout(path, target)
    try:
        if layout.has_rows:
            _copy(layout, target)
        else:
            write_text(target, len(layout.names), iter(()))
    finally:
        if layout.path != path:
            layout.path.unlink()
    return layout.names


def checked_names(raw: Sequence[str]) -> list[str]:
    """Names of columns: an empty one gets a name, two of one name are refused."""
    if len(raw) > MOST_COLUMNS:
        raise UnreadableTable(f"It has {len(raw)} columns; the most is {MOST_COLUMNS}.", row=1)
    names = [GUARD.sub(r"\1", name) or f"column_{n}" for n, name in enumerate(raw, 1)]
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UnreadableTable(f"Two columns are called {name!r}; give each its own name.", row=1)
        seen.add(name)
    return names


def write_text(target: Path, columns: int, batches: Iterator[Any]) -> None:
    """Write Arrow record batches of `columns` text columns, one after the other, to the Parquet file `target`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(f"c{n}", pa.string()) for n in range(columns)])
    with pq.ParquetWriter(target, schema, compression="lz4", write_statistics=False) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _layout(path: Path, target: Path) -> Layout:
    survey = _survey(path)
    encoding = survey.encoding
    source = path if encoding == "utf-8" else _as_utf8(path, encoding, target.with_suffix(".utf8"))
    with source.open(encoding="utf-8-sig", newline="") as text:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text.readline())
        text.seek(0)
        names, has_rows = _header(text, delimiter)
    return Layout(source, delimiter, names, has_rows, survey.quotes % 2 == 1, survey.guarded)


def _survey(path: Path) -> Survey:
    decoder, survey, last = codecs.getincrementaldecoder("utf-8")(), Survey(), b""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return Survey("utf-16", guarded=True)
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            if b"\0" in chunk:
                raise UnreadableTable("It holds NUL bytes, so it is not a text file.")
            survey.quotes += chunk.count(b'"')
            survey.guarded = survey.guarded or GUARD_BYTES.search(last + chunk) is not None
            if survey.encoding == "utf-8" and not _decodes(decoder, chunk):
                survey.encoding = "latin-1"
            last = chunk[-1:]
    if survey.encoding == "utf-8" and not _decodes(decoder, b"", final=True):
        survey.encoding = "latin-1"
    return survey


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _as_utf8(path: Path, encoding: str, target: Path) -> Path:
    try:
        with path.open(encoding=encoding, newline="") as old, target.open("w", encoding="utf-8", newline="") as new:
            while chunk := old.read(CHUNK_BYTES):
                new.write(chunk)
    except UnicodeError as error:
        target.unlink()
        raise UnreadableTable(f"It begins like {encoding} and cannot be read as such.") from error
    return target


def _delimiter(first_line: str) -> str:
    unquoted = re.sub(r'"[^"]*"', "", first_line)
    return max(",;\t|", key=unquoted.count)


def _header(lines: Iterator[str], delimiter: str) -> tuple[list[str], bool]:
    """The names of the columns, and whether anything follows them."""
    rows = csv.reader(lines, delimiter=delimiter)
    try:
        header = next((row for row in rows if row), None)
        has_rows = next((True for row in rows if row), False) if header else False
    except csv.Error as error:
        raise UnreadableTable(f"It cannot be read: {error}.", row=rows.line_num) from error
    if header is None:
        raise UnreadableTable("It is empty: the first line must name the columns.")
    return checked_names(header), has_rows


def _copy(layout: Layout, target: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv as arrow

    bad: list[tuple[int, int]] = []

    def refuse(row: Any) -> str:
        bad.append((row.number, row.actual_columns))
        return "error"

    names = [f"c{n}" for n in range(len(layout.names))]
    # Row numbers are known only without threads.
    read = arrow.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=names, skip_rows_after_names=1)
    parse = arrow.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=refuse)
    convert = arrow.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=MISSING,
        strings_can_be_null=True,
        check_utf8=False,
    )
    try:
        batches = arrow.open_csv(layout.path, read_options=read, parse_options=parse, convert_options=convert)
        checked = _closed(batches, layout.open_quote)
        write_text(target, len(names), map(_unguarded, checked) if layout.guarded else checked)
    except pa.ArrowInvalid as error:
        raise _reason(error, bad, len(names)) from error


def _closed(batches: Iterator[Any], open_quote: bool) -> Iterator[Any]:
    """The batches; a last cell that runs over lines, in a file with a quote too many, swallowed the rest of it."""
    last = None
    for batch in batches:
        last = batch if batch.num_rows else last
        yield batch
    if open_quote and last is not None:
        cells = [column[-1].as_py() or "" for column in last.columns]
        if any("\n" in cell or "\r" in cell for cell in cells):
            raise UnreadableTable("A quote that is opened near its end is never closed.")


def _unguarded(batch: Any) -> Any:
    import pyarrow as pa
    from pyarrow import compute

    cells = [compute.replace_substring_regex(column, GUARD.pattern, r"\1") for column in batch.columns]
    return pa.record_batch(cells, schema=batch.schema)


def _reason(error: Exception, bad: list[tuple[int, int]], columns: int) -> UnreadableTable:
    if bad:
        row, found = bad[0]
        return UnreadableTable(f"Row {row} has {found} cells where the header has {columns}.", row=row)
    if "straddling" in str(error):
        return UnreadableTable(f"A row is longer than {BLOCK_BYTES >> 20} MB, or a quote is never closed.")
    return UnreadableTable(f"It cannot be read: {error}.")
