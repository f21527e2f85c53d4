"""Card 4: the columns of each table."""

from __future__ import annotations

from typing import Any

from dash import ALL, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from callbacks.data.desk import chosen_tables, page, tables, triggered, workbench
from domain.data.description import Table
from domain.data.selection import Selection, choose_columns
from state import Change
from ui.data import columns as ui
from ui.data.card import empty
from ui.ids import Data, Stores


@page.callback(
    Output(Data.COLUMNS_TABLE, "options"),
    Output(Data.COLUMNS_TABLE, "value"),
    Output(Data.COLUMNS_CHOSEN, "children"),
    Input(Stores.AVAILABLE_TABLES, "data"),
    State(Data.COLUMNS_TABLE, "value"),
)
def offer_tables(available: Any, present: Any) -> tuple[Any, ...]:
    chosen = chosen_tables(available)
    names = [table.name for table in chosen]
    kept = {name: len(columns) for name, columns in Selection.of(available, None, None).columns.items() if columns}
    options = [{"value": name, "label": name} for name in names]
    line = ui.chosen_line(kept, {table.name: len(table.columns) for table in chosen})
    return options, present if present in names else next(iter(names), None), line


@page.callback(
    Output(Data.COLUMNS_PANEL, "children"),
    Input(Data.COLUMNS_TABLE, "value"),
    Input(Stores.AVAILABLE_TABLES, "data"),
    Input(Stores.MERGE_KEYS, "data"),
    State(Data.pick_columns(ALL), "id"),
    State(Data.pick_columns(ALL), "value"),
)
def show_columns(name: Any, available: Any, keys: Any, drawn: list[Any], ticked: list[Any]) -> Any:
    """The list is drawn anew when it is of another table, or ticked otherwise than it should be."""
    selection, known = Selection.of(available, keys, None), tables()
    table = next((table for table in selection.chosen(known) if table.name == name), None)
    if table is None:
        return empty("Choose tables in step 1 first.")
    wanted = kept_columns(selection, table)
    if drawn == [Data.pick_columns(table.name)] and set(ticked[0] or []) == set(wanted):
        return no_update
    return ui.column_list(table, key_names(selection), wanted)


def key_names(selection: Selection) -> list[str]:
    now = selection.decided(tables())
    return [name for name in (now["subject"], now["session"]) if name]


def kept_columns(selection: Selection, table: Table) -> list[str]:
    """The columns of the table that are wanted, keys apart: those are always there."""
    chosen, keys = selection.columns.get(table.name) or None, key_names(selection)
    return [c.name for c in table.columns if c.name not in keys and (chosen is None or c.name in chosen)]


@page.callback(
    Output(Stores.AVAILABLE_TABLES, "data", allow_duplicate=True),
    Input(Data.pick_columns(ALL), "value"),
    State(Stores.AVAILABLE_TABLES, "data"),
    State(Stores.MERGE_KEYS, "data"),
    prevent_initial_call=True,
)
def pick(_ticked: list[Any], available: Any, keys: Any) -> Change:
    selection = Selection.of(available, keys, None)
    name, ticked = next(iter(triggered("table").items()), (None, None))
    table = next((table for table in chosen_tables(available) if table.name == name), None)
    if table is None or not isinstance(ticked, list):
        raise PreventUpdate
    before, known = kept_columns(selection, table), key_names(selection)
    shown = [column.name for column in table.columns if column.name not in known][: ui.MOST_COLUMNS]
    wanted = [column for column in before if column not in shown] + [c for c in ticked if c in shown]
    if set(wanted) == set(before):
        raise PreventUpdate
    if wanted:
        wanted += [column for column in known if table.column(column)]
    return Change(lambda store: choose_columns(store, table, wanted), available)


@page.callback(
    Output(Stores.AVAILABLE_TABLES, "data", allow_duplicate=True),
    Input(Data.COLUMNS_ALL, "n_clicks"),
    State(Data.COLUMNS_TABLE, "value"),
    State(Stores.AVAILABLE_TABLES, "data"),
    prevent_initial_call=True,
)
def keep_all(clicks: int | None, name: Any, available: Any) -> Change:
    if not clicks or not isinstance(name, str):
        raise PreventUpdate
    table = workbench().catalogue.table(name)
    return Change(lambda store: choose_columns(store, table, [column.name for column in table.columns]), available)
