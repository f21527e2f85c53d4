"""What the parts of the page share: the recorder, the workbench, the stores as Inputs and States, what was clicked."""

from __future__ import annotations

import re
from typing import Any

import flask
from dash import Input, State, ctx
from dash.exceptions import PreventUpdate

from domain.data.description import Table
from domain.data.selection import Selection
from domain.data.workbench import Workbench
from errors import AppError
from state import Callbacks
from ui.ids import Stores

page = Callbacks()
CHOSEN = (Stores.AVAILABLE_TABLES, Stores.MERGE_KEYS, Stores.PHENOTYPIC_FILTERS)
INPUTS = tuple(Input(store, "data") for store in CHOSEN)
STATES = tuple(State(store, "data") for store in CHOSEN)


def workbench() -> Workbench:
    return flask.current_app.extensions["stateroom-data"]


def tables() -> list[Table]:
    return workbench().catalogue.tables()


def chosen_tables(available: Any, keys: Any = None) -> list[Table]:
    """The tables that are chosen and there."""
    return Selection.of(available, keys, None).chosen(tables())


def clicked() -> dict[str, Any]:
    """The id of the button that was clicked; no update when nothing was: a new button comes with an empty click."""
    found = ctx.triggered_id
    if not isinstance(found, dict) or not any(item["value"] for item in ctx.triggered):
        raise PreventUpdate
    return found


def triggered(part: str) -> dict[str, Any]:
    """The values that changed just now, by the `part` of their components' ids."""
    found = {}
    for name, component in ctx.triggered_prop_ids.items():
        if isinstance(component, dict) and isinstance(component.get(part), str):
            found[component[part]] = next(item["value"] for item in ctx.triggered if item["prop_id"] == name)
    return found


def rows_asked() -> list[str]:
    """The filters whose rows wait for this callback's second output, in order."""
    ids = [output.get("id") for output in ctx.outputs_grouping[1]]
    return [str(name.get("filter")) if isinstance(name, dict) else "" for name in ids]


PLACE = re.compile(r"^(tables|keys|columns|filters)(/[^: ]*)?:? ")


def say(error: AppError) -> str:
    """The message without the place in the recipe, which the page shows by where it says it."""
    words = PLACE.sub("", error.detail) if "part" in error.fields else error.detail
    return words[:1].upper() + words[1:]
