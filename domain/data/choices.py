"""The values a column has, to choose from: each with its label and how many rows have it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.data.description import Column, Table
from domain.data.engine import Engine
from domain.data.profile import plain
from domain.data.values import Scalar

MOST_CHOICES = 100
MOST_NUMBERS = 20


@dataclass(frozen=True)
class Choice:
    value: Scalar
    label: str
    rows: int


def offers_choices(column: Column) -> bool:
    """Whether its values are few enough to list. Numbers are listed where a dictionary names them, or they are few."""
    if column.type in ("integer", "number") and not column.levels:
        return column.distinct <= MOST_NUMBERS
    return column.type in ("integer", "number", "text", "boolean") and column.distinct <= MOST_CHOICES


def choices(engine: Engine, table: Table, column: Column) -> list[Choice]:
    """Every value there is, in order, with the dictionary's label; then those only the dictionary has."""
    if not offers_choices(column):
        return []
    place = f"c{table.position(column.name)}"
    sql = (
        f"SELECT {place}, count(*) FROM read_parquet($1) WHERE {place} IS NOT NULL "  # noqa: S608 - names of our own
        f"GROUP BY 1 ORDER BY 1 LIMIT {MOST_CHOICES}"
    )
    found = [(plain(value), rows) for value, rows in engine.fetch(sql, [str(table.path)])]
    listed = [Choice(value, label(column, value), rows) for value, rows in found if value is not None]
    seen = {as_text(choice.value) for choice in listed}
    unused = [(key, words) for key, words in column.levels.items() if key not in seen]
    coded = [(read(key, column), words) for key, words in unused]
    return listed + [Choice(value, words, 0) for value, words in coded if value is not None]


def label(column: Column, value: Scalar) -> str:
    """The dictionary's words for a value, else the value itself."""
    return column.levels.get(as_text(value)) or as_text(value)


def as_text(value: Scalar) -> str:
    """A value as its key: whole numbers without a decimal point, whatever the column's type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def read(text: str, column: Column) -> Scalar | None:
    """The value of the column's type that `text` says; None where it says none."""
    if column.type == "boolean":
        return {"true": True, "false": False}.get(text.strip().lower())
    if column.type not in ("integer", "number"):
        return text
    try:
        value = float(text)
        return int(text) if column.type == "integer" else int(value) if value.is_integer() else value
    except (ValueError, OverflowError):
        return None
