"""Card 3: filters are added, changed, removed and undone. A row is drawn anew only when its controls are others."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import unquote

from dash import ALL, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from callbacks.data.desk import INPUTS, chosen_tables, clicked, page, rows_asked, say, tables, triggered, workbench
from domain.data import filter_list
from domain.data.demographics import demographics
from domain.data.description import Column, Table
from domain.data.forms import Form, changed_condition, first_condition, form
from domain.data.selection import Selection
from errors import Invalid
from state import Change
from ui.data import filters as ui
from ui.ids import Data, Stores

MOST_FOUND = 40
CONTROLS = ("op", "low", "high", "one", "chosen", "lines")


@page.callback(Output(Data.FILTERS_DEMOGRAPHICS, "children"), *INPUTS[:2])
def show_demographics(available: Any, keys: Any) -> list[Any]:
    selection, known = Selection.of(available, keys, None), tables()
    now = selection.decided(known)
    base_first = sorted(selection.chosen(known), key=lambda table: table.name != now["base"])
    return ui.demographic_buttons(demographics(base_first, now["subject"], now["session"]))


@page.callback(Output(Data.FILTERS_TABLE, "options"), Input(Stores.AVAILABLE_TABLES, "data"))
def offer_tables(available: Any) -> list[dict[str, str]]:
    names = [table.name for table in chosen_tables(available)]
    return [{"value": ui.EVERY_TABLE, "label": "any chosen table"}, *({"value": n, "label": n} for n in names)]


@page.callback(
    Output(Data.FILTERS_FOUND, "children"),
    Input(Data.FILTERS_SEARCH, "value"),
    Input(Data.FILTERS_TABLE, "value"),
    Input(Stores.AVAILABLE_TABLES, "data"),
)
def find_columns(text: Any, table: Any, available: Any) -> list[Any]:
    words = str(text or "").casefold().split()
    chosen = [found for found in chosen_tables(available) if table in (ui.EVERY_TABLE, None, found.name)]
    fitting = [(found.name, column) for found in chosen for column in found.columns if fits(column, words)]
    return ui.found_columns(fitting[:MOST_FOUND], len(fitting), bool(words) and bool(chosen))


def fits(column: Column, words: list[str]) -> bool:
    return all(word in f"{column.name} {column.label}".casefold() for word in words)


@page.callback(
    Output(Stores.PHENOTYPIC_FILTERS, "data", allow_duplicate=True),
    Input(Data.add_filter(ALL, ALL, ALL), "n_clicks"),
    State(Stores.PHENOTYPIC_FILTERS, "data"),
    prevent_initial_call=True,
)
def add(_clicks: list[int | None], filters: Any) -> Change:
    asked = clicked()
    table = workbench().catalogue.table(str(asked["table"]))
    column = table.column(unquote(str(asked["column"])))
    if column is None:
        raise Invalid("This column is not there any more. Look at the tables again.", part="filters")
    condition = first_condition(table, column, workbench().choices(table, column))
    return Change(lambda store: filter_list.add(store, condition), filters)


@page.callback(
    Output(Stores.PHENOTYPIC_FILTERS, "data", allow_duplicate=True),
    Input(Data.row("remove", ALL), "n_clicks"),
    State(Stores.PHENOTYPIC_FILTERS, "data"),
    prevent_initial_call=True,
)
def remove(_clicks: list[int | None], filters: Any) -> Change:
    name = str(clicked()["filter"])
    return Change(lambda store: filter_list.remove(store, name), filters)


@page.callback(
    Output(Stores.PHENOTYPIC_FILTERS, "data", allow_duplicate=True),
    Input(Data.FILTERS_UNDO, "n_clicks"),
    State(Stores.PHENOTYPIC_FILTERS, "data"),
    prevent_initial_call=True,
)
def undo(clicks: int | None, filters: Any) -> Change:
    if not clicks:
        raise PreventUpdate
    return Change(filter_list.undo, filters)


@page.callback(
    output=(
        Output(Stores.PHENOTYPIC_FILTERS, "data", allow_duplicate=True),
        Output(Data.row("problem", ALL), "children"),
    ),
    inputs={"_values": [Input(Data.row(part, ALL), "value") for part in CONTROLS]},
    state={"filters": State(Stores.PHENOTYPIC_FILTERS, "data")},
    prevent_initial_call=True,
)
def change(_values: list[Any], filters: Any) -> tuple[Any, list[str]]:
    """What was typed becomes the filter, or a message in its row and the filter stays."""
    typed, problems, changed = typed_values(), {}, {}
    known = {table.name: table for table in tables()}
    for entry in filter_list.entries(filters):
        if entry["id"] not in triggered("filter"):
            continue
        try:
            condition = read(entry, known.get(str(entry.get("table"))), typed.get(entry["id"], {}))
        except Invalid as error:
            problems[entry["id"]] = say(error)
            continue
        if condition != {part: value for part, value in entry.items() if part != "id"}:
            changed[entry["id"]] = condition
    messages = [problems.get(name, "") for name in rows_asked()]
    return (Change(partial(apply, changed), filters) if changed else no_update), messages


def typed_values() -> dict[str, dict[str, Any]]:
    """What the controls show, by filter and part."""
    found: dict[str, dict[str, Any]] = {}
    for part, controls in zip(CONTROLS, ctx.args_grouping["_values"], strict=True):
        for control in controls:
            if isinstance(name := control["id"]["filter"], str):
                found.setdefault(name, {})[part] = control.get("value")
    return found


def read(entry: dict[str, Any], table: Table | None, typed: dict[str, Any]) -> dict[str, Any]:
    column = table.column(str(entry.get("column"))) if table else None
    if table is None or column is None:
        raise Invalid("This column is not there any more. Remove the filter to go on.", part="column")
    return changed_condition(entry, column, typed, workbench().choices(table, column))


def apply(changed: dict[str, dict[str, Any]], store: Any) -> Any:
    for name, condition in changed.items():
        store = filter_list.change(store, name, condition)
    return store


@page.callback(
    Output(Data.FILTERS_LIST, "children"),
    Output(Data.row("box", ALL), "children"),
    Output(Data.FILTERS_UNDO, "disabled"),
    Input(Stores.PHENOTYPIC_FILTERS, "data"),
    State(Data.row_value(ALL, ALL), "id"),
)
def show_rows(filters: Any, drawn: list[Any]) -> tuple[Any, list[Any], bool]:
    """All rows are drawn when they are others than before; else only controls of another kind are.

    So nothing is drawn while somebody types, and a way to compare that is chosen by keyboard keeps the focus.
    """
    forms = {found.id: found for found in map(form_of, filter_list.entries(filters))}
    kinds = {row.get("filter"): row.get("kind") for row in drawn if isinstance(row, dict)}
    undo_is_off, rows = not filter_list.can_undo(filters), rows_asked()
    if not forms or list(kinds) != list(forms):
        return ui.filter_rows(list(forms.values())), [no_update for _ in rows], undo_is_off
    others = {name for name, found in forms.items() if kinds[name] != found.kind}
    return no_update, [ui.value(forms[name]) if name in others else no_update for name in rows], undo_is_off


def form_of(entry: dict[str, Any]) -> Form:
    known = {table.name: table for table in tables()}
    table = known.get(str(entry.get("table")))
    column = table.column(str(entry.get("column"))) if table else None
    if table is None or column is None:
        return form(entry, None)
    return form(entry, column, workbench().choices(table, column))
