"""AG Grid's filter model as SQL.

Blanks pass `blank` only, as missing values do in a recipe; `inRange` includes both ends; case does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlglot import exp

from domain.data.conditions import COMPARISONS, Parameters
from domain.data.description import Kind
from domain.data.values import MOST_CHARACTERS, bound, scalar
from errors import Invalid

MOST_CONDITIONS = 20
ORDER = {
    "equals": "eq",
    "notEqual": "ne",
    "lessThan": "lt",
    "lessThanOrEqual": "le",
    "greaterThan": "gt",
    "greaterThanOrEqual": "ge",
}
TEXTS: Mapping[str, Callable[[exp.Expr, exp.Expr], exp.Expr]] = {
    "contains": lambda column, value: exp.func("contains", column, value),
    "notContains": lambda column, value: exp.Not(this=exp.func("contains", column, value)),
    "equals": lambda column, value: exp.EQ(this=column, expression=value),
    "notEqual": lambda column, value: exp.NEQ(this=column, expression=value),
    "startsWith": lambda column, value: exp.func("starts_with", column, value),
    "endsWith": lambda column, value: exp.func("suffix", column, value),
}


def where(model: Any, columns: Mapping[str, tuple[exp.Expr, Kind]], parameters: Parameters) -> list[exp.Expr]:
    """The conditions of a filter model `{column: {filterType, type, filter, …}}`; all of them must hold.

    `columns` maps a name to its SQL and type. Raises Invalid naming the column, never anything else.
    """
    if not isinstance(model, dict):
        raise Invalid("The filter model must be an object.", part="filterModel")
    return [_column(name, item, columns, parameters) for name, item in model.items()]


def _column(name: Any, item: Any, columns: Mapping[str, tuple[exp.Expr, Kind]], parameters: Parameters) -> exp.Expr:
    if not isinstance(name, str) or name not in columns:
        raise Invalid(f"The table has no column {str(name)[:100]!r}.", part=str(name)[:100])
    column, kind = columns[name]
    if not isinstance(item, dict):
        raise Invalid(f"The filter of {name!r} must be an object.", part=name)
    if "operator" not in item:
        return _condition(name, item, column, kind, parameters)
    parts = item.get("conditions", [item.get("condition1"), item.get("condition2")])
    if item["operator"] not in ("AND", "OR") or not isinstance(parts, list) or not 0 < len(parts) <= MOST_CONDITIONS:
        raise Invalid(f"The filter of {name!r} must join 1 to {MOST_CONDITIONS} conditions by AND or OR.", part=name)
    conditions = [_condition(name, part, column, kind, parameters) for part in parts]
    joined = exp.and_(*conditions) if item["operator"] == "AND" else exp.or_(*conditions)
    return exp.Paren(this=joined)


def _condition(name: str, item: Any, column: exp.Expr, kind: Kind, parameters: Parameters) -> exp.Expr:
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        raise Invalid(f"The filter of {name!r} must have a type.", part=name)
    missing = exp.Is(this=column.copy(), expression=exp.Null())
    if item["type"] in ("blank", "notBlank"):
        return missing if item["type"] == "blank" else exp.Not(this=missing)
    family = item.get("filterType", "text")
    if family == "text":
        return _text(name, item, column, parameters)
    if family == "number" and kind in ("integer", "number"):
        return _number(name, item, column, kind, parameters)
    if family == "date" and kind in ("date", "datetime"):
        return _date(name, item, column, parameters)
    raise Invalid(f"{name!r} holds {kind} values and has no filter of the kind {str(family)[:100]!r}.", part=name)


def _text(name: str, item: dict[str, Any], column: exp.Expr, parameters: Parameters) -> exp.Expr:
    make, wanted = TEXTS.get(item["type"]), item.get("filter")
    if make is None:
        raise _unknown(name, item)
    if not isinstance(wanted, str) or len(wanted) > MOST_CHARACTERS:
        raise Invalid(f"The filter of {name!r} must be a text of at most {MOST_CHARACTERS} characters.", part=name)
    value = parameters.add(scalar(wanted, "text", name))
    return make(exp.func("lower", exp.cast(column.copy(), "VARCHAR")), exp.func("lower", value))


def _number(name: str, item: dict[str, Any], column: exp.Expr, kind: Kind, parameters: Parameters) -> exp.Expr:
    low = parameters.add(scalar(item.get("filter"), kind, name))
    if item["type"] == "inRange":
        high = parameters.add(scalar(item.get("filterTo"), kind, name))
        return exp.Between(this=column.copy(), low=low, high=high)
    if item["type"] not in ORDER:
        raise _unknown(name, item)
    return COMPARISONS[ORDER[item["type"]]](this=column.copy(), expression=low)


def _date(name: str, item: dict[str, Any], column: exp.Expr, parameters: Parameters) -> exp.Expr:
    """The grid asks for whole days: any hour of the day asked for equals it."""
    first, after = _day(item.get("dateFrom"), name)
    kind = item["type"]
    if kind == "inRange":
        after = _day(item.get("dateTo"), name)[1]
    if kind in ("lessThan", "greaterThanOrEqual"):
        return COMPARISONS["lt" if kind == "lessThan" else "ge"](this=column.copy(), expression=parameters.add(first))
    if kind in ("greaterThan", "lessThanOrEqual"):
        return COMPARISONS["ge" if kind == "greaterThan" else "lt"](
            this=column.copy(), expression=parameters.add(after)
        )
    if kind not in ("equals", "notEqual", "inRange"):
        raise _unknown(name, item)
    inside = exp.and_(
        exp.GTE(this=column.copy(), expression=parameters.add(first)),
        exp.LT(this=column.copy(), expression=parameters.add(after)),
    )
    return exp.Not(this=exp.Paren(this=inside)) if kind == "notEqual" else inside


def _day(value: Any, name: str) -> tuple[datetime, datetime]:
    moment = bound(scalar(value, "datetime", name), "datetime")
    day = datetime(moment.year, moment.month, moment.day)
    try:
        return day, day + timedelta(days=1)
    except OverflowError as error:
        raise Invalid(f"{name!r} has no date so late.", part=name) from error


def _unknown(name: str, item: dict[str, Any]) -> Invalid:
    return Invalid(f"The filter of {name!r} has an unknown type {str(item['type'])[:100]!r}.", part=name)
