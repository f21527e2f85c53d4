"""The filters of a cohort as their store keeps them: a list in order, each with a stable id, and what was before.

{"filters": [{"id": "f1", "table", "column", "op", "value"}], "past": [older lists], "last": id changed last}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.data.recipe import MOST_FILTERS
from errors import Invalid

MOST_PAST = 20
Document = dict[str, Any]


def entries(store: object) -> list[Document]:
    """The filters in a value of the third store. Raises Invalid when it has another form."""
    found = as_object(store, "filters").get("filters", [])
    if not isinstance(found, list) or len(found) > MOST_FILTERS:
        raise Invalid(f"filters must be a list of at most {MOST_FILTERS}.", part="filters")
    for n, entry in enumerate(found):
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or len(entry["id"]) > 20:
            raise Invalid("Each filter must be an object with an id.", part=f"filters/{n}")
    return found


def add(store: object, condition: Document) -> Document:
    before = entries(store)
    if len(before) >= MOST_FILTERS:
        raise Invalid(f"There are {MOST_FILTERS} filters already. Remove one first.", part="filters")
    return _changed(store, [*before, {"id": _new_id(store), **condition}])


def change(store: object, name: str, condition: Document) -> Document:
    """With the filter called `name` changed. Changes of one filter in a row are one step to undo."""
    changed = [{"id": name, **condition} if entry["id"] == name else entry for entry in entries(store)]
    return _changed(store, changed, name)


def remove(store: object, name: str) -> Document:
    return _changed(store, [entry for entry in entries(store) if entry["id"] != name])


def replace(store: object, conditions: Sequence[Document]) -> Document:
    made: Document = {"filters": [], "now": entries(store), "past": _past(store)}
    for condition in conditions:
        made["filters"] = [*made["filters"], {"id": _new_id(made), **condition}]
    return _changed(store, made["filters"])


def can_undo(store: object) -> bool:
    return bool(_past(store))


def undo(store: object) -> Document:
    """The filters as before the last change. One that comes back with another value has a new id, as a new one has."""
    past, now = _past(store), {entry["id"]: entry for entry in entries(store)}
    if not past:
        return as_object(store, "filters")
    made: Document = {"filters": [], "past": past}
    for entry in past[-1]:
        same = now.get(entry["id"]) == entry
        name = entry["id"] if same else _new_id({**made, "now": list(now.values())})
        made["filters"] = [*made["filters"], {**entry, "id": name}]
    return {"filters": made["filters"], "past": past[:-1], "last": None}


def _changed(store: object, after: list[Document], last: str | None = None) -> Document:
    before, past = entries(store), _past(store)
    again = last is not None and as_object(store, "filters").get("last") == last
    return {"filters": after, "past": past if again else [*past, before][-MOST_PAST:], "last": last}


def _past(store: object) -> list[list[Document]]:
    past = as_object(store, "filters").get("past", [])
    if not isinstance(past, list) or len(past) > MOST_PAST:
        return []
    return [entries({"filters": before}) for before in past]


def _new_id(store: object) -> str:
    """`f1`, `f2`, …: one that no filter has or had."""
    parts = as_object(store, "filters")
    lists = [parts.get("filters", []), parts.get("now", []), *parts.get("past", [])]
    taken = [int(entry["id"][1:]) for found in lists for entry in found if entry["id"][1:].isdecimal()]
    return f"f{max(taken, default=0) + 1}"


def as_object(value: object, part: str) -> Document:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f"{part} must be an object.", part=part)
    return value
