"""A filter as a form: which ways to ask a column offers, what is filled in, and what was typed as a condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from domain.data.choices import Choice, as_text, label, offers_choices, read
from domain.data.description import Column, Table
from domain.data.values import MOST_CHARACTERS, Scalar, checked
from errors import Invalid

Kind = Literal["none", "range", "one", "choice", "list", "gone"]
Document = dict[str, Any]
WORDS = {
    "between": "is between",
    "in": "is one of",
    "not_in": "is none of",
    "ge": "is at least",
    "le": "is at most",
    "gt": "is more than",
    "lt": "is less than",
    "eq": "equals",
    "ne": "does not equal",
    "not_missing": "is not missing",
    "is_missing": "is missing",
}
ORDERED = tuple(WORDS)
UNORDERED = ("in", "not_in", "eq", "ne", "not_missing", "is_missing")
TRUTH = ("in", "not_in", "not_missing", "is_missing")
INPUTS = {"integer": "number", "number": "number", "date": "date", "datetime": "datetime-local"}


@dataclass(frozen=True)
class Form:
    """What the row of one filter shows. `kind` is `gone` when the table or the column is not there any more."""

    id: str
    table: str
    name: str
    kind: Kind
    op: str = ""
    column: Column | None = None
    values: tuple[Any, ...] = ()
    choices: tuple[Choice, ...] = ()

    @property
    def ops(self) -> dict[str, str]:
        """The ways to ask that this column offers, and the present one, with their words."""
        if self.column is None:
            return {}
        offered = TRUTH if self.column.type == "boolean" else UNORDERED if self.column.type == "text" else ORDERED
        return {op: words for op, words in WORDS.items() if op in offered or op == self.op}

    @property
    def input_type(self) -> str:
        """The `type` of the HTML inputs."""
        return INPUTS.get(self.column.type, "text") if self.column else "text"


def form(entry: Mapping[str, Any], column: Column | None, listed: Sequence[Choice] = ()) -> Form:
    """The form of a kept filter. `listed` are the column's choices; values that are none of them are added."""
    name, table, op = (str(entry.get(part, ""))[:200] for part in ("column", "table", "op"))
    if column is None or op not in WORDS:
        return Form(entry["id"], table, name, "gone")
    value = entry.get("value")
    values = tuple(value) if isinstance(value, list | tuple) else () if value is None else (value,)
    kind = kind_of(op, column)
    choices = tuple(listed)
    if kind == "choice":
        known = {as_text(choice.value) for choice in listed}
        extra = [item for item in values if isinstance(item, Scalar) and as_text(item) not in known]
        choices += tuple(Choice(item, label(column, item), 0) for item in extra)
    return Form(entry["id"], table, name, kind, op, column, values, choices)


def kind_of(op: str, column: Column) -> Kind:
    if op in ("is_missing", "not_missing"):
        return "none"
    if op == "between":
        return "range"
    if op in ("in", "not_in"):
        return "choice" if offers_choices(column) else "list"
    return "one"


def first_condition(table: Table, column: Column, listed: Sequence[Choice]) -> Document:
    """What a new filter asks: the whole range, or all values there are; it only leaves out who has none."""
    found = [choice.value for choice in listed if choice.rows]
    if found and (column.type in ("text", "boolean") or column.levels):
        asked: Document = {"op": "in", "value": found}
    elif column.min is not None and column.type not in ("text", "boolean"):
        asked = {"op": "between", "value": [column.min, column.max]}
    else:
        asked = {"op": "not_missing"}
    return {"table": table.name, "column": column.name, **asked}


def changed_condition(
    entry: Mapping[str, Any], column: Column, typed: Mapping[str, Any], listed: Sequence[Choice]
) -> Document:
    """The condition that the row's controls say: `op`, and `low`, `high`, `one`, `chosen` or `lines` as they are there.

    Where another way to ask was chosen and the controls for it are not there yet, they begin with the widest values.
    Raises Invalid in words for the person who typed.
    """
    op = typed.get("op", entry.get("op"))
    if not isinstance(op, str) or op not in WORDS:
        raise Invalid("Choose how to compare.", part="op")
    kind = kind_of(op, column)
    asked: Document = {"table": entry["table"], "column": column.name, "op": op}
    if kind == "none":
        return asked
    value = _typed(kind, column, typed, listed) if _is_shown(kind, typed) else _widest(op, kind, column, listed)
    kept = checked(op, value, column.type, "The value")
    return {**asked, "value": list(kept) if isinstance(kept, tuple) else kept}


def _is_shown(kind: Kind, typed: Mapping[str, Any]) -> bool:
    return {"range": "low", "one": "one", "choice": "chosen", "list": "lines"}[kind] in typed


def _typed(kind: Kind, column: Column, typed: Mapping[str, Any], listed: Sequence[Choice]) -> Any:
    if kind == "range":
        low, high = typed.get("low"), typed.get("high")
        return [column.min if _is_empty(low) else low, column.max if _is_empty(high) else high]
    if kind == "one":
        if _is_empty(typed["one"]) and column.type != "text":
            raise Invalid("Type a value.", part="value")
        return typed["one"] or "" if column.type == "text" else typed["one"]
    return _chosen(column, typed["chosen"], listed) if kind == "choice" else _lines(column, typed["lines"])


def _widest(op: str, kind: Kind, column: Column, listed: Sequence[Choice]) -> Any:
    if kind == "range":
        return [column.min, column.max]
    if kind == "one":
        return "" if column.type == "text" else column.max if op in ("le", "lt") else column.min
    return [choice.value for choice in listed if choice.rows] if op == "in" and kind == "choice" else []


def _is_empty(value: Any) -> bool:
    return value is None or value == ""


def _chosen(column: Column, texts: Any, listed: Sequence[Choice]) -> list[Scalar]:
    """The ticked values, in the order of the list."""
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Invalid("Tick the values to keep.", part="value")
    order = [as_text(choice.value) for choice in listed]
    ticked = [text for text in order if text in texts] + [text for text in texts if text not in order]
    return [value for text in dict.fromkeys(ticked) if (value := read(text, column)) is not None]


def _lines(column: Column, text: Any) -> list[Scalar]:
    """One value on each line."""
    if not isinstance(text or "", str) or len(text or "") > MOST_CHARACTERS:
        raise Invalid(f"Type one value on each line, {MOST_CHARACTERS:,} characters at most.", part="value")
    found = []
    for line in filter(None, map(str.strip, (text or "").splitlines())):
        value = read(line, column)
        if value is None:
            raise Invalid(f"“{line[:40]}” is not a number.", part="value")
        found.append(value)
    return found
