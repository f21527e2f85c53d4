"""What is known about a table: its columns, their types, labels and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

Kind = Literal["integer", "number", "text", "boolean", "date", "datetime"]
KINDS: tuple[Kind, ...] = ("integer", "number", "text", "boolean", "date", "datetime")
SQL_TYPES: dict[Kind, str] = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
}


@dataclass(frozen=True)
class Column:
    """One column. `min` and `max` are None for text and booleans, ISO 8601 text for dates and times.

    `levels` maps a value, written as text, to its label: from the data dictionary for coded columns, and
    value to itself for text columns of few distinct values. `distinct` counts values that are not missing.
    """

    name: str
    type: Kind
    label: str = ""
    missing: int = 0
    min: int | float | str | None = None
    max: int | float | str | None = None
    levels: Mapping[str, str] = field(default_factory=dict)
    distinct: int = 0


@dataclass(frozen=True)
class Table:
    """An immutable table. `path` is its Parquet file, in which column number n (from 0) is called `c<n>`."""

    name: str
    title: str
    source: str
    hash: str
    rows: int
    path: Path
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def position(self, name: str) -> int | None:
        return next((n for n, column in enumerate(self.columns) if column.name == name), None)


@dataclass(frozen=True)
class Refused:
    """A file that is not a table, why, and the row (the header is row 1) where that is known."""

    filename: str
    reason: str
    row: int | None = None


@dataclass(frozen=True)
class Description:
    """What ingest finds out about the content of a file, whatever the file is called."""

    rows: int
    columns: tuple[Column, ...]
    title: str = ""


def to_json(description: Description) -> dict[str, Any]:
    return asdict(description)


def from_json(document: Mapping[str, Any]) -> Description:
    columns = tuple(Column(**cast(dict[str, Any], column)) for column in document["columns"])
    return Description(document["rows"], columns, document["title"])
