"""What a user chose on the Data page, as the four stores keep it, and the recipe that it makes.

    available-tables-store     {"tables": [name], "columns": {table: [name]}, "notes": text}
    merge-keys-store           {"subject", "session", "base", "how"}; what is absent is proposed
    phenotypic-filters-store   {"filters": [{"id", "table", "column", "op", "value"}], "past": […], "last": id}
    merged-dataframe-store     {"recipe", "inputs": {table: hash}, "result_id", "rows", "participants", "columns"}

Choices that concern a table which is not chosen now are kept and left out of the recipe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.data.description import Table
from domain.data.filter_list import as_object, entries, replace
from domain.data.keys import Keys, propose
from domain.data.recipe import MOST_TABLES, Recipe
from errors import Invalid

STORES = ("available-tables-store", "merge-keys-store", "phenotypic-filters-store", "merged-dataframe-store")
KEY_PARTS = ("subject", "session", "base", "how")
Document = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """The first three stores. What they hold may come from a browser: only its outer form is certain."""

    tables: tuple[str, ...] = ()
    columns: Mapping[str, list[Any]] = field(default_factory=dict)
    notes: Any = ""
    keys: Mapping[str, Any] = field(default_factory=dict)
    filters: tuple[Document, ...] = ()

    @classmethod
    def of(cls, available: object, keys: object, filters: object) -> Selection:
        """What the stores hold; None is a store that was never set. Raises Invalid for another form."""
        first = as_object(available, "tables")
        names = _texts(first.get("tables", []), "tables", MOST_TABLES)
        columns = as_object(first.get("columns"), "columns")
        if not all(isinstance(chosen, list) for chosen in columns.values()):
            raise Invalid("columns must be lists of names.", part="columns")
        kept = {part: value for part, value in as_object(keys, "keys").items() if part in KEY_PARTS}
        for part, value in kept.items():
            if value is not None and not isinstance(value, str):
                raise Invalid(f"{part} must be a name.", part=f"keys/{part}")
        return cls(tuple(names), columns, first.get("notes", ""), kept, tuple(entries(filters)))

    def chosen(self, tables: Sequence[Table]) -> list[Table]:
        """The chosen tables that are there, in the order in which they were chosen."""
        known = {table.name: table for table in tables}
        return [known[name] for name in self.tables if name in known]

    def decided(self, tables: Sequence[Table]) -> Document:
        """All key parts: as the user set them where the chosen tables have them, else as proposed."""
        chosen = self.chosen(tables)
        proposed = propose(chosen) if chosen else Keys(None, None)
        subject, session, base = (self.keys.get(part) for part in ("subject", "session", "base"))
        session_fits = session is None or any(_has(table, session) for table in chosen)
        return {
            "subject": subject if all(_has(table, subject) for table in chosen) else proposed.subject,
            "session": session if "session" in self.keys and session_fits else proposed.session,
            "base": base if base in self.tables else next(iter(self.tables), None),
            "how": self.keys.get("how", "left"),
        }

    def in_use(self) -> list[Document]:
        """The filters on chosen tables, in order: those that the recipe has."""
        return [entry for entry in self.filters if entry.get("table") in self.tables]

    def document(self, tables: Sequence[Table]) -> Document:
        """The recipe, not checked yet. Raises Invalid when no table is chosen, or none of their columns is a key."""
        if not self.tables:
            raise Invalid("Choose at least one table.", part="tables")
        keys = self.decided(tables)
        if keys["subject"] is None and len(self.chosen(tables)) == len(self.tables):
            message = "These tables share no column that looks like a participant. Choose the key in step 2."
            raise Invalid(message, part="keys/subject")
        return {
            "tables": list(self.tables),
            "keys": {"subject": keys["subject"], "session": keys["session"]},
            "base": keys["base"],
            "how": keys["how"],
            "filters": [{part: value for part, value in entry.items() if part != "id"} for entry in self.in_use()],
            "columns": {name: chosen for name, chosen in self.columns.items() if name in self.tables},
            "notes": self.notes,
        }


def stores(recipe: Recipe, filters: object = None) -> tuple[Document, Document, Document]:
    """The first three stores for a whole recipe; `filters` is what the third held, and can be undone to."""
    shown = recipe.to_dict()
    available = {"tables": shown["tables"], "columns": shown["columns"], "notes": shown["notes"]}
    keys = {"subject": recipe.subject, "session": recipe.session, "base": recipe.base, "how": recipe.how}
    return available, keys, replace(filters, shown["filters"])


def choose(available: object, name: str, wanted: bool) -> Document:
    """The first store with this table chosen, or not. Its columns are remembered."""
    store = as_object(available, "tables")
    names = _texts(store.get("tables", []), "tables", MOST_TABLES)
    if wanted and name not in names:
        names = [*names, name]
    if len(names) > MOST_TABLES:
        raise Invalid(f"At most {MOST_TABLES} tables can be merged.", part="tables")
    return {**store, "tables": [other for other in names if wanted or other != name]}


def choose_columns(available: object, table: Table, wanted: Sequence[str]) -> Document:
    """The first store with these columns of the table; all of them is not listed."""
    store = as_object(available, "tables")
    columns = {
        name: chosen for name, chosen in as_object(store.get("columns"), "columns").items() if name != table.name
    }
    names = [column.name for column in table.columns if column.name in wanted]
    if not names:
        raise Invalid("Keep at least one column. To leave the table out, untick it in step 1.", part="columns")
    return {**store, "columns": columns if len(names) == len(table.columns) else {**columns, table.name: names}}


def _has(table: Table, name: object) -> bool:
    return isinstance(name, str) and table.column(name) is not None


def _texts(value: object, part: str, most: int) -> list[str]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(item, str) for item in value):
        raise Invalid(f"{part} must be a list of at most {most} names.", part=part)
    return value
