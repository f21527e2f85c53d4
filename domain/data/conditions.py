"""A filter as SQL: a condition with bound values, and the state a row is left in (missing, failed or passed)."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from domain.data.description import Kind
from domain.data.recipe import Filter
from domain.data.values import bound, items

MISSING, FAILED, PASSED = 0, 1, 2
COMPARISONS: dict[str, type[exp.Binary]] = {
    "eq": exp.EQ,
    "ne": exp.NEQ,
    "lt": exp.LT,
    "le": exp.LTE,
    "gt": exp.GT,
    "ge": exp.GTE,
}


class Parameters:
    """Values bound to a statement; each has the number of its place."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def add(self, value: Any) -> exp.Expr:
        self.values.append(value)
        return exp.Parameter(this=exp.Literal.number(len(self.values)))


def condition(column: exp.Expr, kind: Kind, item: Filter, parameters: Parameters) -> exp.Expr:
    """SQL that is true for the rows that pass; for a missing value it is not true, but for `is_missing`."""
    missing = exp.Is(this=column.copy(), expression=exp.Null())
    if item.op in ("is_missing", "not_missing"):
        return missing if item.op == "is_missing" else exp.Not(this=missing)
    values = [parameters.add(bound(value, kind)) for value in items(item.value)]
    if item.op == "between":
        return exp.Between(this=column.copy(), low=values[0], high=values[1])
    if item.op in COMPARISONS:
        return COMPARISONS[item.op](this=column.copy(), expression=values[0])
    if not values:
        return exp.false() if item.op == "in" else exp.Not(this=missing)
    among = exp.In(this=column.copy(), expressions=values)
    return among if item.op == "in" else exp.Not(this=among)


def state(column: exp.Expr, kind: Kind, item: Filter, parameters: Parameters) -> exp.Expr:
    """SQL of 0 where the value is missing, 1 where the filter fails, 2 where it passes."""
    missing = exp.Is(this=column.copy(), expression=exp.Null())
    if item.op == "is_missing":
        return _case([(missing, PASSED)], FAILED)
    if item.op == "not_missing":
        return _case([(missing, MISSING)], PASSED)
    return _case([(missing, MISSING), (condition(column, kind, item, parameters), PASSED)], FAILED)


def _case(whens: list[tuple[exp.Expr, int]], otherwise: int) -> exp.Expr:
    case = exp.Case()
    for when, value in whens:
        case = case.when(when, exp.Literal.number(value), copy=False)
    return case.else_(exp.Literal.number(otherwise), copy=False)
