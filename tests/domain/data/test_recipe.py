from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.data.description import Column, Table
from domain.data.recipe import Filter, Recipe, recipe_hash
from errors import Invalid

COLUMNS = (
    Column("id", "text"),
    Column("n", "integer"),
    Column("x", "number"),
    Column("s", "text"),
    Column("b", "boolean"),
    Column("d", "date"),
    Column("t", "datetime"),
)
PEOPLE = Table("people", "People", "people.csv", "1" * 64, 3, Path("x.parquet"), COLUMNS)
VISITS = Table("visits", "Visits", "visits.csv", "2" * 64, 3, Path("y.parquet"), (*COLUMNS, Column("ses", "text")))
GOOD: dict[str, Any] = {"tables": ["people", "visits"], "keys": {"subject": "id", "session": "ses"}, "base": "people"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(["people", "visits", "id", "n", "x", "s", "d", "t", "b", "ses", "eq", "in", "between", "left"])
PART = st.one_of(WORDS, JSON, st.lists(WORDS, max_size=3))
FILTER = st.fixed_dictionaries({}, optional=dict.fromkeys(("table", "column", "op", "value"), PART))
ALMOST = st.fixed_dictionaries(
    {"tables": st.just(["people", "visits"]) | PART, "keys": st.just({"subject": "id"}) | JSON},
    optional={
        "base": PART,
        "how": PART,
        "filters": st.lists(FILTER, max_size=3) | JSON,
        "columns": st.dictionaries(WORDS, PART, max_size=2) | JSON,
        "wide": JSON,
        "notes": JSON,
    },
)


def parse(**parts: Any) -> Recipe:
    return Recipe.from_dict({**GOOD, **parts}, [PEOPLE, VISITS])


@settings(max_examples=400, deadline=None)
@given(JSON | ALMOST)
def test_any_document_is_a_recipe_or_invalid(document: Any) -> None:
    with contextlib.suppress(Invalid):
        recipe = Recipe.from_dict(document, [PEOPLE, VISITS])
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict())), [PEOPLE, VISITS]) == recipe
        assert len(recipe_hash(recipe, {"people": "a"})) == 32


def test_a_recipe_comes_back_from_its_document() -> None:
    filters = [
        {"table": "people", "column": "n", "op": "between", "value": [1, 2.5]},
        {"table": "visits", "column": "s", "op": "in", "value": ["a", "b"]},
        {"table": "visits", "column": "d", "op": "ge", "value": "2024-02-29"},
        {"table": "people", "column": "b", "op": "eq", "value": True},
        {"table": "people", "column": "x", "op": "is_missing"},
    ]
    recipe = parse(filters=filters, columns={"people": ["s", "s"]}, how="outer", notes="why")
    assert recipe.filters[0] == Filter("people", "n", "between", (1, 2.5))
    assert recipe.columns == {"people": ("s",)}
    document = recipe.to_dict()
    assert document == {
        **GOOD,
        "how": "outer",
        "filters": filters,
        "columns": {"people": ["s"]},
        "wide": False,
        "notes": "why",
    }
    assert Recipe.from_dict(document, [PEOPLE, VISITS]) == recipe


@pytest.mark.parametrize(
    ("parts", "part"),
    [
        ({"tables": []}, "tables"),
        ({"tables": "people"}, "tables"),
        ({"tables": ["people", "nope"]}, "tables/1"),
        ({"tables": ["people", "people"]}, "tables/1"),
        ({"keys": None}, "keys"),
        ({"keys": {"subject": "nope"}}, "keys/subject"),
        ({"keys": {"subject": "ses"}}, "keys/subject"),
        ({"keys": {"subject": "id", "session": "nope"}}, "keys/session"),
        ({"keys": {"subject": "id", "session": "id"}}, "keys/session"),
        ({"keys": {"subject": "id", "extra": 1}}, "extra"),
        ({"base": "nope"}, "base"),
        ({"base": ["people"]}, "base"),
        ({"how": "cross"}, "how"),
        ({"how": {}}, "how"),
        ({"columns": {"nope": []}}, "nope"),
        ({"columns": {"people": ["nope"]}}, "columns/people"),
        ({"columns": {"people": [["s"]]}}, "columns/people"),
        ({"wide": True}, "wide"),
        ({"wide": 1}, "wide"),
        ({"notes": "x" * 10_001}, "notes"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_the_wrong_part_is_named(parts: dict[str, Any], part: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(**parts)
    assert caught.value.fields["part"] == part


@pytest.mark.parametrize(
    ("column", "op", "value", "part"),
    [
        ("nope", "eq", 1, "column"),
        ("n; DROP TABLE x", "eq", 1, "column"),
        ("n", "like", 1, "op"),
        ("n", ["eq"], 1, "op"),
        ("n", "eq", "1", "value"),
        ("n", "eq", True, "value"),
        ("n", "eq", None, "value"),
        ("n", "eq", float("nan"), "value"),
        ("x", "eq", float("inf"), "value"),
        ("n", "eq", 2**63, "value"),
        ("n", "in", 5, "value"),
        ("n", "in", [1, "2"], "value"),
        ("n", "in", [1] * 1_001, "value"),
        ("n", "between", [1], "value"),
        ("n", "between", [None, 3], "value"),
        ("n", "is_missing", 3, "value"),
        ("s", "eq", 1, "value"),
        ("s", "eq", "x" * 10_001, "value"),
        ("s", "eq", "\ud800", "value"),
        ("b", "eq", 1, "value"),
        ("b", "lt", True, "value"),
        ("d", "eq", "2023-02-29", "value"),
        ("d", "eq", "2024-01-01T10:00", "value"),
        ("t", "eq", "2024-01-01T10:00Z", "value"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(column: str, op: Any, value: Any, part: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(filters=[{"table": "people", "column": column, "op": op, "value": value}])
    assert caught.value.fields["part"] == f"filters/0/{part}"


def test_the_hash_follows_the_result_and_not_the_notes() -> None:
    inputs = {"people": "a", "visits": "b"}
    base = recipe_hash(parse(), inputs)
    assert recipe_hash(parse(notes="other", columns={"people": []}), inputs) == base
    others = [
        parse(how="inner"),
        parse(base="visits"),
        parse(columns={"people": ["s"]}),
        parse(tables=["people"], keys={"subject": "id"}),
    ]
    hashes = {base, recipe_hash(parse(), {**inputs, "visits": "c"}), *(recipe_hash(other, inputs) for other in others)}
    assert len(hashes) == 6
    two = [parse(columns={"people": names}) for names in (["s", "x"], ["x", "s"])]
    assert recipe_hash(two[0], inputs) == recipe_hash(two[1], inputs)
