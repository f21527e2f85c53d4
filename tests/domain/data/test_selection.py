"""What four stores hold becomes a recipe, and a recipe the stores; what is not chosen now is kept and left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.data.description import Column, Table
from domain.data.recipe import Recipe
from domain.data.selection import Selection, choose, choose_columns, stores
from errors import Invalid

FILTER = {"table": "people", "column": "age", "op": "ge", "value": 30}


def table(name: str, *columns: str) -> Table:
    made = tuple(Column(column, "text", distinct=3) for column in columns)
    return Table(name, name, f"{name}.csv", name * 3, 3, Path(f"{name}.parquet"), made)


PEOPLE = Table(
    "people", "people", "people.csv", "hash", 3, Path("p"), (Column("id", "text", distinct=3), Column("age", "integer"))
)
VISITS = table("visits", "id", "session", "score")
TABLES = [PEOPLE, VISITS]


def test_keys_are_proposed_until_somebody_decides() -> None:
    chosen = {"tables": ["visits", "people"]}
    proposed = {"subject": "id", "session": "session", "base": "visits", "how": "left"}
    assert Selection.of(chosen, None, None).decided(TABLES) == proposed
    decided = {"session": None, "base": "people", "how": "inner"}
    assert Selection.of(chosen, decided, None).decided(TABLES) == {**proposed, **decided}


def test_a_decision_that_the_chosen_tables_do_not_have_waits() -> None:
    keys = {"subject": "code", "session": "wave", "base": "gone"}
    assert Selection.of({"tables": ["people"]}, keys, None).decided(TABLES) == {
        "subject": "id",
        "session": None,
        "base": "people",
        "how": "left",
    }


def test_choices_about_other_tables_are_left_out_of_the_recipe() -> None:
    available = {"tables": ["people"], "columns": {"visits": ["score"], "people": ["age"]}}
    filters = {
        "filters": [{"id": "f1", **FILTER}, {"id": "f2", "table": "visits", "column": "score", "op": "is_missing"}]
    }
    document = Selection.of(available, None, filters).document(TABLES)
    assert document["filters"] == [FILTER]
    assert document["columns"] == {"people": ["age"]}


def test_a_recipe_comes_back_from_its_stores() -> None:
    document = {"tables": ["people", "visits"], "keys": {"subject": "id", "session": "session"}, "base": "visits"}
    recipe = Recipe.from_dict({**document, "how": "outer", "filters": [FILTER], "notes": "why"}, TABLES)
    kept = stores(recipe, {"filters": [{"id": "f4", **FILTER}]})
    assert Recipe.from_dict(Selection.of(*kept).document(TABLES), TABLES) == recipe
    assert kept[2]["past"] == [[{"id": "f4", **FILTER}]]


@pytest.mark.parametrize("tables", [{}, {"tables": []}, None])
def test_without_a_table_there_is_no_recipe(tables: Any) -> None:
    with pytest.raises(Invalid, match="Choose at least one table"):
        Selection.of(tables, None, None).document(TABLES)


@pytest.mark.parametrize("value", [5, "x", [], {"tables": 5}, {"tables": [5]}, {"columns": []}, {"columns": {"a": 5}}])
def test_a_store_of_another_form_is_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        Selection.of(value, None, None)


def test_tables_are_chosen_once_and_unchosen() -> None:
    store = choose(choose(choose(None, "a", True), "b", True), "a", True)
    assert store == {"tables": ["a", "b"]}
    assert choose(store, "a", False) == {"tables": ["b"]}


def test_all_columns_are_not_listed_and_none_is_refused() -> None:
    store = choose_columns({"tables": ["visits"]}, VISITS, ["score", "id", "nothing"])
    assert store["columns"] == {"visits": ["id", "score"]}
    assert choose_columns(store, VISITS, ["id", "session", "score"])["columns"] == {}
    with pytest.raises(Invalid, match="at least one column"):
        choose_columns(store, VISITS, [])


@pytest.mark.parametrize("part", ["subject", "session", "base", "how"])
@pytest.mark.parametrize("value", [["id"], {"a": 1}, 7, True])
def test_a_key_that_is_no_name_is_refused(part: str, value: Any) -> None:
    with pytest.raises(Invalid, match=part):
        Selection.of(None, {part: value}, None)
