"""A result as CSV: written by DuckDB, line by line, so that a million rows pass through without being held."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from domain.data.compile import ResultColumn
from domain.data.engine import Engine
from domain.data.profile import literal

ROWS_AT_ONCE = 5_000
FORMULA = r"^'*[=+@\t\r-]"  # with the apostrophes that stand before it already, so that reading it again is exact
SPECIAL = r'[",\r\n]'


def csv_lines(engine: Engine, path: str, columns: Sequence[ResultColumn]) -> Iterator[bytes]:
    """The file as UTF-8 with CRLF (RFC 4180), header first; missing is empty.

    Text that a spreadsheet would run as a formula (it begins with = + - @ TAB CR) gets an apostrophe in front.
    """
    yield (",".join(_header(column.name) for column in columns) + "\r\n").encode()
    cells = ", ".join(_cell(f"c{n}", column.type == "text") for n, column in enumerate(columns))
    sql = f"SELECT concat_ws(',', {cells}) FROM read_parquet($1)"  # noqa: S608 - names of our own
    for rows in engine.stream(sql, [path], ROWS_AT_ONCE):
        yield ("\r\n".join(row[0] for row in rows) + "\r\n").encode()


def _cell(column: str, is_text: bool) -> str:
    if not is_text:
        return f"coalesce(CAST({column} AS VARCHAR), '')"
    safe = f"CASE WHEN regexp_matches({column}, {literal(FORMULA)}) THEN '''' || {column} ELSE {column} END"
    quoted = f"'\"' || replace({safe}, '\"', '\"\"') || '\"'"
    special = f"regexp_matches({column}, {literal(SPECIAL)})"
    return f"CASE WHEN {column} IS NULL THEN '' WHEN {special} THEN {quoted} ELSE {safe} END"


def _header(name: str) -> str:
    safe = "'" + name if re.match(FORMULA, name) else name
    return '"' + safe.replace('"', '""') + '"' if re.search(SPECIAL, safe) else safe
