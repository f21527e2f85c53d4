"""Card 1: the tables there are, the tables chosen, and what is in one of them."""

from __future__ import annotations

from typing import Any

from dash import ALL, Input, Output, State
from dash.exceptions import PreventUpdate

from callbacks.data.desk import clicked, page, tables, triggered, workbench
from domain.data.selection import Selection, choose
from state import Change
from ui.data import tables as ui
from ui.ids import Data, Stores


@page.callback(
    Output(Data.TABLES_LIST, "children"),
    Input(Data.TABLES_LIST, "id"),
    Input(Data.TABLES_LOOK_AGAIN, "n_clicks"),
    State(Stores.AVAILABLE_TABLES, "data"),
)
def show_tables(_page: str, _clicks: int | None, available: Any) -> list[Any]:
    found = tables()
    shapes = {table.name: keys.shape for table in found if (keys := workbench().shape(table)[1])}
    return ui.table_list(
        found, shapes, list(Selection.of(available, None, None).tables), workbench().catalogue.refused()
    )


@page.callback(
    Output(Stores.AVAILABLE_TABLES, "data"),
    Input(Data.choose(ALL), "value"),
    State(Stores.AVAILABLE_TABLES, "data"),
    prevent_initial_call=True,
)
def choose_tables(_ticks: list[bool | None], available: Any) -> Change:
    """One tick is one change. A list that was only drawn says what is known already."""
    ticks, chosen = triggered("table"), Selection.of(available, None, None).tables
    changed = {name: bool(wanted) for name, wanted in ticks.items() if bool(wanted) != (name in chosen)}
    known = {table.name for table in tables()}
    if not changed or any(wanted and name not in known for name, wanted in changed.items()):
        raise PreventUpdate

    def apply(store: Any) -> Any:
        for name, wanted in changed.items():
            store = choose(store, name, wanted)
        return store

    return Change(apply, available)


@page.callback(
    Output(Data.TABLES_CHOSEN, "children"),
    Input(Stores.AVAILABLE_TABLES, "data"),
)
def say_what_is_chosen(available: Any) -> list[Any]:
    return ui.chosen_line(list(Selection.of(available, None, None).tables), len(tables()))


@page.callback(
    Output(Data.CONTENT_DIALOG, "is_open"),
    Output(Data.CONTENT_TITLE, "children"),
    Output(Data.CONTENT_LIST, "children"),
    Output(Data.CONTENT_SEARCH, "value"),
    Input(Data.look_into(ALL), "n_clicks"),
    prevent_initial_call=True,
)
def look_into(_clicks: list[int | None]) -> tuple[Any, ...]:
    table = workbench().catalogue.table(str(clicked()["table"]))
    return True, ui.content_title(table), ui.content_list(table), ""
