"""Filters have ids of their own for ever; what was changed can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from domain.data import filter_list
from domain.data.recipe import MOST_FILTERS
from errors import Invalid

AGE = {"table": "t", "column": "age", "op": "ge", "value": 1}


def ids(store: Any) -> list[str]:
    return [entry["id"] for entry in filter_list.entries(store)]


def values(store: Any) -> list[Any]:
    return [entry["value"] for entry in filter_list.entries(store)]


def test_an_id_is_never_given_twice() -> None:
    store = filter_list.add(filter_list.add(None, AGE), AGE)
    store = filter_list.add(filter_list.remove(store, "f2"), AGE)
    assert ids(store) == ["f1", "f3"]


def test_changes_of_one_filter_in_a_row_are_undone_together() -> None:
    store = filter_list.add(filter_list.add(None, AGE), AGE)
    for value in (2, 3, 4):
        store = filter_list.change(store, "f1", {**AGE, "value": value})
    store = filter_list.change(store, "f2", {**AGE, "value": 9})
    assert values(store) == [4, 9]
    store = filter_list.undo(store)
    assert values(store) == [4, 1]
    store = filter_list.undo(store)
    assert values(store) == [1, 1]
    assert filter_list.can_undo(store)


def test_what_comes_back_with_another_value_is_drawn_anew() -> None:
    store = filter_list.add(filter_list.add(None, AGE), AGE)
    store = filter_list.undo(filter_list.change(store, "f1", {**AGE, "value": 2}))
    first, second = ids(store)
    assert first not in ("f1", "f2")
    assert second == "f2"


def test_the_first_state_cannot_be_undone() -> None:
    assert not filter_list.can_undo(None)
    assert filter_list.undo({"filters": []}) == {"filters": []}


def test_the_past_is_bounded() -> None:
    store: Any = None
    for value in range(50):
        store = filter_list.add(filter_list.remove(store, "f1"), {**AGE, "value": value})
    assert len(store["past"]) == filter_list.MOST_PAST


def test_there_is_a_most() -> None:
    full = {"filters": [{"id": f"f{n}", **AGE} for n in range(MOST_FILTERS)]}
    with pytest.raises(Invalid, match="Remove one first"):
        filter_list.add(full, AGE)


@pytest.mark.parametrize(
    "store", [5, [], {"filters": 5}, {"filters": [5]}, {"filters": [{}]}, {"filters": [{"id": 5}]}]
)
def test_another_form_is_refused(store: Any) -> None:
    with pytest.raises(Invalid):
        filter_list.entries(store)
