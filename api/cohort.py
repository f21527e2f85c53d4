"""`/api/v1/cohort`: the caller's recipe, the same as on the Data page, with its count, its rows and its export."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from api.bodies import json_body
from api.tables import workbench
from domain.data.cohort import Result
from domain.data.recipe import Recipe
from domain.data.selection import STORES, Selection, stores
from errors import Invalid, NotFound
from state import MISSING, get_state_manager

cohort = Blueprint("cohort", __name__, url_prefix="/api/v1/cohort")

*CHOSEN, MERGED = STORES
FORMATS = ("csv",)


@cohort.put("")
def change() -> Response:
    """Replace the caller's recipe. What the page had can be undone to, as far as filters go."""
    recipe = workbench().cohorts.recipe(json_body())
    state = get_state_manager()
    named = workbench().named(recipe)
    available, keys, filters = stores(recipe, state.get_store_data(CHOSEN[2]))
    for store, value in zip(STORES, (available, keys, filters, named), strict=True):
        state.set_store_data(store, value)
    return jsonify(result_id=named["result_id"])


@cohort.get("")
def show() -> Response:
    selection, merged = chosen()
    recipe = workbench().recipe(selection)
    named = workbench().named(recipe)
    stale = workbench().is_stale(merged, selection)
    return jsonify({**named["recipe"], "inputs": named["inputs"], "result_id": named["result_id"], "stale": stale})


@cohort.get("/count")
def count() -> Response:
    return jsonify(workbench().count(current_recipe()).to_dict())


@cohort.get("/rows")
def rows() -> Response:
    offset, limit = whole("offset", 0), whole("limit", 100)
    result = workbench().cohorts.merge(current_recipe())
    page = workbench().cohorts.rows(result, offset, limit, order(request.args.get("sort", ""), result))
    return jsonify(rows=page.rows, total=page.total)


@cohort.get("/export")
def export() -> Response:
    """The caller's result as a file, streamed."""
    if request.args.get("format", "csv") not in FORMATS:
        raise Invalid(f"format must be one of {', '.join(FORMATS)}.", part="format")
    result = workbench().cohorts.merge(current_recipe())
    headers = {"Content-Disposition": f'attachment; filename="cohort-{result.result_id[:8]}.csv"'}
    lines = workbench().cohorts.export_csv(result)
    return Response(lines, mimetype="text/csv", headers={**headers, "Cache-Control": "no-store"})


def chosen() -> tuple[Selection, Any]:
    """What the caller chose, and what the fourth store tells of the result."""
    found = get_state_manager().read_many(STORES)
    values = {store: None if value is MISSING else value for store, value in found.items()}
    if values[CHOSEN[0]] is None:
        raise NotFound("There is no cohort yet. Choose tables on the Data page, or PUT a recipe.")
    return Selection.of(*(values[store] for store in CHOSEN)), values[MERGED]


def current_recipe() -> Recipe:
    return workbench().recipe(chosen()[0])


def whole(name: str, default: int) -> int:
    """The query parameter `name` as a whole number that is not negative."""
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise Invalid(f"{name} must be a whole number, not negative.", part=name)
    return int(text)


def order(text: str, result: Result) -> list[tuple[str, bool]]:
    """`a,-b` as pairs of a column and whether it descends; a column whose own name begins with - is meant first."""
    names = {column.name for column in result.columns}
    asked = [part for part in text.split(",") if part]
    return [(part, False) if part in names or part[0] != "-" else (part[1:], True) for part in asked]
