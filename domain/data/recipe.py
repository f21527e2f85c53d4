"""A cohort as a recipe: which tables, joined how, filtered by what. A few hundred bytes that name their result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from domain.data.description import Table
from domain.data.values import OPERATORS, Value, as_json, checked
from errors import Invalid

RECIPE_VERSION = "1"
How = Literal["left", "inner", "outer"]
HOWS = ("left", "inner", "outer")
MOST_TABLES = 200
MOST_FILTERS = 200
MOST_NOTES = 10_000
PARTS = ("tables", "keys", "base", "how", "filters", "columns", "wide", "notes")


@dataclass(frozen=True)
class Filter:
    """One condition on the merged rows. `value` is None for is_missing and not_missing, a tuple for lists."""

    table: str
    column: str
    op: str
    value: Value = None


@dataclass(frozen=True)
class Recipe:
    """Tables joined to `base` on `subject` (and `session`, where both sides have it), then filtered in order.

    `columns` maps a table to the columns of it that are wanted; a table that is not named there gives all.
    """

    tables: tuple[str, ...]
    subject: str
    session: str | None
    base: str
    how: How = "left"
    filters: tuple[Filter, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wide: bool = False
    notes: str = ""

    @classmethod
    def from_dict(cls, document: object, tables: Iterable[Table]) -> Recipe:
        """The recipe that the JSON `document` describes, checked against `tables`.

        Raises Invalid, whose field `part` names the place, for whatever is wrong; never anything else.
        """
        known = {table.name: table for table in tables}
        top = _object(document, "The recipe", PARTS)
        chosen = _tables(top.get("tables"), known)
        subject, session = _keys(top.get("keys"), chosen)
        base = top.get("base", chosen[0].name)
        names = tuple(table.name for table in chosen)
        if base not in names:
            raise Invalid("base must be one of the recipe's tables.", part="base")
        how = top.get("how", "left")
        if how not in HOWS:
            raise Invalid("how must be left, inner or outer.", part="how")
        filters = _filters(top.get("filters"), {table.name: table for table in chosen})
        columns = _columns(top.get("columns"), {table.name: table for table in chosen})
        wide, notes = _wide(top.get("wide", False)), _notes(top.get("notes", ""))
        return cls(names, subject, session, base, cast(How, how), filters, columns, wide, notes)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as JSON has it; `from_dict` of it is the same recipe."""
        keys = {"subject": self.subject} | ({"session": self.session} if self.session else {})
        return {
            "tables": list(self.tables),
            "keys": keys,
            "base": self.base,
            "how": self.how,
            "filters": [filter_to_dict(condition) for condition in self.filters],
            "columns": {table: list(names) for table, names in self.columns.items()},
            "wide": self.wide,
            "notes": self.notes,
        }

    def ordered(self) -> tuple[str, ...]:
        """The tables, base first."""
        return (self.base, *(name for name in self.tables if name != self.base))


def filter_to_dict(condition: Filter) -> dict[str, Any]:
    shown = {"table": condition.table, "column": condition.column, "op": condition.op}
    return shown | ({} if condition.value is None else {"value": as_json(condition.value)})


def recipe_hash(recipe: Recipe, input_hashes: Mapping[str, str]) -> str:
    """Names the result (32 hexadecimal digits): the same recipe on the same content gives the same name.

    `input_hashes` maps table names to content hashes. Notes do not count, nor the order of chosen columns.
    """
    document = recipe.to_dict()
    del document["notes"]
    document["columns"] = {table: sorted(names) for table, names in recipe.columns.items() if names}
    document["inputs"] = {name: input_hashes.get(name, "") for name in recipe.tables}
    document["version"] = RECIPE_VERSION
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _object(value: Any, part: str, allowed: Iterable[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"{part} must be an object.", part=part)
    for key in value:
        if key not in allowed:
            raise Invalid(f"{part} has an unknown part {str(key)[:100]!r}.", part=str(key)[:100])
    return value


def _list(value: Any, part: str, most: int) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise Invalid(f"{part} must be a list.", part=part)
    if len(value) > most:
        raise Invalid(f"{part} has {len(value)} entries; the most is {most}.", part=part)
    return list(value)


def _tables(value: Any, known: Mapping[str, Table]) -> list[Table]:
    names = _list(value, "tables", MOST_TABLES)
    if not names:
        raise Invalid("tables must name at least one table.", part="tables")
    for n, name in enumerate(names):
        if not isinstance(name, str) or name not in known:
            raise Invalid(f"tables: there is no table called {str(name)[:100]!r}.", part=f"tables/{n}")
        if name in names[:n]:
            raise Invalid(f"tables: {name!r} is named twice.", part=f"tables/{n}")
    return [known[name] for name in names]


def _keys(value: Any, tables: list[Table]) -> tuple[str, str | None]:
    keys = _object(value, "keys", ("subject", "session"))
    subject, session = keys.get("subject"), keys.get("session") or None
    for table in tables:
        if not isinstance(subject, str) or table.column(subject) is None:
            message = f"keys: the table {table.name!r} has no column {str(subject)[:100]!r} to find a subject by."
            raise Invalid(message, part="keys/subject", table=table.name)
    if session is not None:
        if not isinstance(session, str) or session == subject:
            raise Invalid("keys: the session must be a column other than the subject.", part="keys/session")
        if all(table.column(session) is None for table in tables):
            raise Invalid(f"keys: no table has a column {session[:100]!r}.", part="keys/session")
    return str(subject), session


def _filters(value: Any, tables: Mapping[str, Table]) -> tuple[Filter, ...]:
    entries = _list(value, "filters", MOST_FILTERS)
    return tuple(_filter(entry, f"filters/{n}", tables) for n, entry in enumerate(entries))


def _filter(value: Any, part: str, tables: Mapping[str, Table]) -> Filter:
    entry = _object(value, part, ("table", "column", "op", "value"))
    table, name, op = entry.get("table"), entry.get("column"), entry.get("op")
    if not isinstance(table, str) or table not in tables:
        raise Invalid(f"{part}: {str(table)[:100]!r} is not one of the recipe's tables.", part=f"{part}/table")
    column = tables[table].column(name) if isinstance(name, str) else None
    if column is None:
        message = f"{part}: the table {table!r} has no column {str(name)[:100]!r}."
        raise Invalid(message, part=f"{part}/column", table=table)
    if not isinstance(op, str) or op not in OPERATORS:
        raise Invalid(f"{part}: op must be one of {', '.join(OPERATORS)}.", part=f"{part}/op")
    return Filter(table, column.name, op, checked(op, entry.get("value"), column.type, f"{part}/value"))


def _columns(value: Any, tables: Mapping[str, Table]) -> dict[str, tuple[str, ...]]:
    chosen = _object({} if value is None else value, "columns", tables)
    return {table: _chosen(tables[table], names) for table, names in chosen.items()}


def _chosen(table: Table, value: Any) -> tuple[str, ...]:
    part = f"columns/{table.name}"
    names = _list(value, part, len(table.columns))
    for name in names:
        if not isinstance(name, str) or table.column(name) is None:
            raise Invalid(f"{part}: the table has no column {str(name)[:100]!r}.", part=part, table=table.name)
    return tuple(dict.fromkeys(names))


def _wide(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid("wide must be true or false.", part="wide")
    if value:
        raise Invalid("wide: one row for each subject is not offered yet; leave it out.", part="wide")
    return value


def _notes(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MOST_NOTES:
        raise Invalid(f"notes must be a text of at most {MOST_NOTES} characters.", part="notes")
    return value
