"""Card 5: merge, look, and whether what is shown is still what was chosen."""

from __future__ import annotations

from typing import Any

from dash import MATCH, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from callbacks.data.desk import INPUTS, STATES, page, say, workbench
from domain.data.selection import Selection
from errors import AppError, Invalid
from ui.data import result as ui
from ui.ids import Data, Stores

BUSY = [
    (Output(Data.MERGE, "disabled"), True, False),
    (Output(Data.MERGE, "children"), "Merging …", "Merge"),
]


@page.callback(
    Output(Stores.MERGED_DATAFRAME, "data"),
    Output(Data.RESULT_PROBLEM, "children"),
    Input(Data.MERGE, "n_clicks"),
    *STATES,
    prevent_initial_call=True,
    running=BUSY,
)
def merge(clicks: int | None, available: Any, keys: Any, filters: Any) -> tuple[Any, str]:
    if not clicks:
        raise PreventUpdate
    try:
        return workbench().merged(workbench().recipe(Selection.of(available, keys, filters))), ""
    except AppError as error:
        if error.status >= 500 and error.status != 503:
            raise
        return no_update, say(error)


@page.callback(Output(Data.RESULT_PROBLEM, "children", allow_duplicate=True), *INPUTS, prevent_initial_call=True)
def forget_the_problem(*_chosen: Any) -> str:
    """What was wrong may be right now."""
    return ""


@page.callback(
    Output(Data.RESULT_BOX, "children"),
    Input(Stores.MERGED_DATAFRAME, "data"),
    Input(Data.RESULT_BOX, "id"),
)
def show_result(merged: Any, _page: str) -> Any:
    """The second input is there when the page opens; Dash does not call for a store whose only writer waits."""
    if not merged:
        return ui.nothing_yet()
    try:
        return ui.result(workbench().result(merged))
    except Invalid as error:
        return ui.trouble(say(error))


@page.callback(
    Output(Data.RESULT_NOTICE, "children"),
    Output(Data.DOWNLOAD, "hidden"),
    Input(Stores.MERGED_DATAFRAME, "data"),
    *INPUTS,
)
def say_whether_it_is_stale(merged: Any, available: Any, keys: Any, filters: Any) -> tuple[Any, bool]:
    """The download is of the present choices, so it is offered while the table shows the same."""
    if not merged:
        return [], True
    stale = workbench().is_stale(merged, Selection.of(available, keys, filters))
    return (ui.out_of_date() if stale else []), stale


@page.callback(
    Output(Data.grid(MATCH), "getRowsResponse"),
    Input(Data.grid(MATCH), "getRowsRequest"),
    State(Stores.MERGED_DATAFRAME, "data"),
    prevent_initial_call=True,
)
def send_rows(request: Any, merged: Any) -> dict[str, Any]:
    """One block of the grid, sorted and filtered here."""
    if not isinstance(request, dict):
        raise PreventUpdate
    first, last = request.get("startRow"), request.get("endRow")
    if not is_whole(first) or not is_whole(last):
        raise Invalid("The grid asked for rows that cannot be.", part="startRow")
    result = workbench().result(merged)
    names = {f"c{n}": column.name for n, column in enumerate(result.columns)}
    found = workbench().cohorts.rows(
        result, first, max(0, last - first), order(request, names), conditions(request, names)
    )
    return {"rowData": [dict(zip(names, row.values(), strict=True)) for row in found.rows], "rowCount": found.total}


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def order(request: dict[str, Any], names: dict[str, str]) -> list[tuple[str, bool]]:
    """Pairs of a column and whether it descends."""
    model = request.get("sortModel") or []
    if not isinstance(model, list) or not all(isinstance(item, dict) for item in model):
        raise Invalid("The grid asked for an impossible order.", part="sortModel")
    return [(named(item.get("colId"), names), item.get("sort") == "desc") for item in model]


def conditions(request: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The grid's filter model by the names of the columns."""
    model = request.get("filterModel") or {}
    if not isinstance(model, dict):
        raise Invalid("The grid asked for an impossible filter.", part="filterModel")
    return {named(field, names): condition for field, condition in model.items()}


def named(field: Any, names: dict[str, str]) -> str:
    if not isinstance(field, str) or field not in names:
        raise Invalid("The grid asked for a column that is not there.", part=str(field)[:100])
    return names[field]
