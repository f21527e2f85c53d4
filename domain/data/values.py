"""The value of a filter: is it of the column's type, and what is bound in its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any

from domain.data.description import Kind
from errors import Invalid

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...] | None
OPERATORS = ("between", "in", "not_in", "is_missing", "not_missing", "eq", "ne", "lt", "le", "gt", "ge")
UNORDERED = ("in", "not_in", "is_missing", "not_missing", "eq", "ne")
MOST_CHARACTERS = 10_000
MOST_ITEMS = 1_000
WORDS = {
    "integer": "a number",
    "number": "a number",
    "text": "a text",
    "boolean": "true or false",
    "date": "a date such as 2024-03-31",
    "datetime": "a date or a time such as 2024-03-31T14:05:00",
}


def checked(op: str, value: Any, kind: Kind, part: str) -> Value:
    """`value` in the form a recipe keeps it. Raises Invalid naming `part` when it does not suit `op` and `kind`."""
    if kind == "boolean" and op not in UNORDERED:
        raise Invalid(f"{part}: a column of true and false cannot be compared with {op!r}.", part=part)
    if op in ("is_missing", "not_missing"):
        if value is not None:
            raise Invalid(f"{part}: {op!r} takes no value.", part=part)
        return None
    if op not in ("between", "in", "not_in"):
        return scalar(value, kind, part)
    if not isinstance(value, list | tuple):
        raise Invalid(f"{part}: {op!r} takes a list of values.", part=part)
    if op == "between" and len(value) != 2:
        raise Invalid(f"{part}: 'between' takes two values, the lowest and the highest.", part=part)
    if len(value) > MOST_ITEMS:
        raise Invalid(f"{part}: {len(value)} values; the most is {MOST_ITEMS}.", part=part)
    return tuple(scalar(item, kind, part) for item in value)


def scalar(value: Any, kind: Kind, part: str) -> Scalar:
    """One value of the type `kind`; dates and times stay ISO 8601 text."""
    if kind in ("integer", "number"):
        suits = isinstance(value, int | float) and not isinstance(value, bool) and _fits(value)
    elif kind == "boolean":
        suits = isinstance(value, bool)
    else:
        suits = isinstance(value, str) and _is_text(value, part) and (kind == "text" or _reads(kind, value))
    if not suits:
        raise Invalid(f"{part} must be {WORDS[kind]}.", part=part)
    result: Scalar = value
    return result


def bound(value: Scalar, kind: Kind) -> Any:
    """What is bound for `value` when it is compared with a column of the type `kind`."""
    if kind == "date":
        return date.fromisoformat(str(value))
    return datetime.fromisoformat(str(value)) if kind == "datetime" else value


def as_json(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def items(value: Value) -> Sequence[Scalar]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _fits(value: int | float) -> bool:
    return -(2**63) <= value < 2**63 if isinstance(value, int) else isfinite(value)


def _is_text(value: str, part: str) -> bool:
    if len(value) > MOST_CHARACTERS:
        raise Invalid(f"{part} has {len(value)} characters; the most is {MOST_CHARACTERS}.", part=part)
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _reads(kind: Kind, value: str) -> bool:
    try:
        found = date.fromisoformat(value) if kind == "date" else datetime.fromisoformat(value)
    except ValueError:
        return False
    return not (isinstance(found, datetime) and found.tzinfo is not None)
