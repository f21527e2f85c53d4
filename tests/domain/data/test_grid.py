from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.data.cohort import Cohorts, Result
from errors import Invalid

ROWS = [
    ("1", "Ann", 1.5, "2024-01-01"),
    ("2", "bob", -3, "2024-02-01"),
    ("3", None, None, None),
    ("4", "A%_b", 10, "2024-02-02"),
]


@pytest.fixture
def result(cohorts: Cohorts, folder: Path) -> Result:
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in ROWS]
    (folder / "a.csv").write_text("id,name,x,day\n" + "\n".join(lines))
    return cohorts.merge(cohorts.recipe({"tables": ["a"], "keys": {"subject": "id"}}))


def text(kind: str, wanted: Any = None) -> dict[str, Any]:
    return {"filterType": "text", "type": kind, "filter": wanted}


def number(kind: str, wanted: Any = None, to: Any = None) -> dict[str, Any]:
    return {"filterType": "number", "type": kind, "filter": wanted, "filterTo": to}


def day(kind: str, start: Any = None, end: Any = None) -> dict[str, Any]:
    return {"filterType": "date", "type": kind, "dateFrom": start, "dateTo": end}


@pytest.mark.parametrize(
    ("model", "ids"),
    [
        ({}, "1234"),
        ({"name": text("contains", "B")}, "24"),
        ({"name": text("contains", "%_")}, "4"),
        ({"name": text("notContains", "b")}, "1"),
        ({"name": text("equals", "ANN")}, "1"),
        ({"name": text("notEqual", "ann")}, "24"),
        ({"name": text("startsWith", "a")}, "14"),
        ({"name": text("endsWith", "B")}, "24"),
        ({"name": text("blank")}, "3"),
        ({"name": text("notBlank")}, "124"),
        ({"x": number("equals", 10)}, "4"),
        ({"x": number("notEqual", 10)}, "12"),
        ({"x": number("lessThan", 1.5)}, "2"),
        ({"x": number("lessThanOrEqual", 1.5)}, "12"),
        ({"x": number("greaterThan", 1.5)}, "4"),
        ({"x": number("greaterThanOrEqual", 1.5)}, "14"),
        ({"x": number("inRange", -3, 1.5)}, "12"),
        ({"x": number("blank")}, "3"),
        ({"x": text("startsWith", "1")}, "14"),
        ({"day": day("equals", "2024-02-01 00:00:00")}, "2"),
        ({"day": day("notEqual", "2024-02-01")}, "14"),
        ({"day": day("lessThan", "2024-02-01")}, "1"),
        ({"day": day("greaterThan", "2024-02-01")}, "4"),
        ({"day": day("inRange", "2024-01-01", "2024-02-01")}, "12"),
        ({"day": day("notBlank")}, "124"),
        (
            {"x": {"filterType": "number", "operator": "OR", "conditions": [number("equals", 10), number("blank")]}},
            "34",
        ),
        ({"x": {"operator": "AND", "condition1": number("lessThan", 9), "condition2": number("greaterThan", 0)}}, "1"),
        ({"name": text("contains", "b"), "x": number("greaterThan", 0)}, "4"),
    ],
)
def test_a_filter_model_keeps_the_rows_it_says(
    cohorts: Cohorts, result: Result, model: dict[str, Any], ids: str
) -> None:
    page = cohorts.rows(result, filters=model)
    assert "".join(row["id"] for row in page.rows) == ids
    assert page.total == len(ids)


@pytest.mark.parametrize(
    "model",
    [
        [1],
        {"nope": text("contains", "x")},
        {"name": []},
        {"name": {}},
        {"name": {"type": "contains"}},
        {"name": text("regex", "x")},
        {"name": text("contains", 5)},
        {"name": text("contains", "x" * 10_001)},
        {"name": number("equals", 5)},
        {"name": {"filterType": "set", "type": "set", "values": []}},
        {"x": number("equals", "5")},
        {"x": number("equals", float("nan"))},
        {"x": number("inRange", 1)},
        {"day": day("equals", "yesterday")},
        {"day": day("inRange", "2024-01-01")},
        {"day": day("equals", "9999-12-31")},
        {"x": {"operator": "XOR", "conditions": [number("equals", 1)]}},
        {"x": {"operator": "OR", "conditions": []}},
        {"x": {"operator": "OR", "conditions": [None]}},
        {"x": {"operator": "OR", "conditions": [number("equals", 1)] * 21}},
        {"x": {"operator": ["OR"], "conditions": "no"}},
    ],
)
def test_a_hostile_filter_model_is_invalid(cohorts: Cohorts, result: Result, model: Any) -> None:
    with pytest.raises(Invalid):
        cohorts.rows(result, filters=model)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANY = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
KINDS = st.sampled_from(["equals", "contains", "inRange", "blank", "lessThan"])
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "filterType": st.sampled_from(["text", "number", "date"]) | ANY,
        "type": KINDS | ANY,
        "filter": ANY,
        "filterTo": ANY,
        "dateFrom": ANY,
        "operator": st.just("AND") | ANY,
        "conditions": ANY,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(model=st.dictionaries(st.sampled_from(["id", "name", "x", "day"]), ITEM | ANY, max_size=2))
def test_any_filter_model_is_answered_or_invalid(cohorts: Cohorts, result: Result, model: Any) -> None:
    with contextlib.suppress(Invalid):
        assert cohorts.rows(result, filters=model).total <= 4
