"""Missing, distinct, smallest and largest value of every column of a finished table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import duckdb

from domain.data.description import Column, Kind
from domain.data.dictionary import Dictionary

MOST_LEVELS = 50
SMALL_ROWS = 2_000
CELLS_AT_ONCE = 8_000_000
COLUMNS_AT_ONCE = 100


def profile(
    db: duckdb.DuckDBPyConnection, path: Path, names: Sequence[str], kinds: Sequence[Kind], words: Dictionary
) -> tuple[int, tuple[Column, ...]]:
    """The number of rows, and every column with its figures, of the Parquet file at `path`."""
    source = f"read_parquet({literal(str(path))})"
    rows: int = db.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]  # noqa: S608 - our own path
    figures = _figures(db, source, rows, kinds)
    columns = []
    for n, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        present, distinct, least, most = figures[n]
        levels = _levels(db, source, n, kind, distinct, words.levels.get(name))
        label = words.labels.get(name, "")
        columns.append(Column(name, kind, label, rows - present, plain(least), plain(most), levels, distinct))
    return rows, tuple(columns)


def literal(text: str) -> str:
    """`text` as an SQL literal. For paths and patterns of our own, where DuckDB takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def plain(value: Any) -> Any:
    """A value as JSON has it: ISO 8601 text for dates and times, None for what is not a finite number."""
    if isinstance(value, float) and not isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date | datetime) else value


def _figures(db: duckdb.DuckDBPyConnection, source: str, rows: int, kinds: Sequence[Kind]) -> list[tuple[Any, ...]]:
    """For every column: values present, distinct values, the smallest and the largest."""
    if rows <= SMALL_ROWS:  # DuckDB's distinct counts cost a millisecond a column, whatever its length
        held = db.execute(f"SELECT * FROM {source}").fetchall()  # noqa: S608 - our own path
        return [_figures_of([row[n] for row in held], kind) for n, kind in enumerate(kinds)]
    size = max(1, min(COLUMNS_AT_ONCE, CELLS_AT_ONCE // rows))
    figures: list[tuple[Any, ...]] = []
    for start in range(0, len(kinds), size):
        block = range(start, min(start + size, len(kinds)))
        asked = ", ".join(_asked(f"c{n}", kinds[n]) for n in block)
        answer = db.execute(f"SELECT {asked} FROM {source}").fetchall()[0]  # noqa: S608 - our names only
        figures += [answer[n : n + 4] for n in range(0, len(answer), 4)]
    return figures


def _figures_of(values: Sequence[Any], kind: Kind) -> tuple[Any, ...]:
    present = [value for value in values if value is not None]
    if kind in ("text", "boolean") or not present:
        return len(present), len(set(present)), None, None
    return len(present), len(set(present)), min(present), max(present)


def _asked(column: str, kind: Kind) -> str:
    ends = "NULL, NULL" if kind in ("text", "boolean") else f"min({column}), max({column})"
    return f"count({column}), count(DISTINCT {column}), {ends}"


def _levels(
    db: duckdb.DuckDBPyConnection, source: str, n: int, kind: Kind, distinct: int, coded: Any
) -> dict[str, str]:
    levels = {_canonical(key, kind): label for key, label in (coded or {}).items()}
    if kind == "text" and 0 < distinct <= MOST_LEVELS:
        found = db.execute(f"SELECT DISTINCT c{n} FROM {source} WHERE c{n} IS NOT NULL ORDER BY 1").fetchall()  # noqa: S608
        levels = {**{value: levels.get(value, value) for (value,) in found}, **levels}
    return levels


def _canonical(key: str, kind: Kind) -> str:
    """`1.0` in the dictionary and `1` in the table are one level."""
    if kind != "integer":
        return key
    try:
        return str(int(float(key)))
    except (ValueError, OverflowError):
        return key
