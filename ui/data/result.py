"""Card 5, the merged table, and beside the cards who remains."""

from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import dcc, html

from ui.data.card import card, counted, empty, problem
from ui.data.filters import lost
from ui.ids import Data

EXPORT = "/api/v1/cohort/export?format=csv"
CELLS_AT_ONCE = 6_000
FILTERS = {"integer": "agNumberColumnFilter", "number": "agNumberColumnFilter", "date": "agDateColumnFilter"}


def result_card() -> html.Section:
    buttons = html.Div(
        [
            dbc.Button("Merge", id=Data.MERGE, color="primary"),
            html.A("Download CSV", id=Data.DOWNLOAD, href=EXPORT, className="btn btn-outline-primary", hidden=True),
        ],
        className="data-bar",
    )
    box = html.Div(empty("Merge to see the table here."), id=Data.RESULT_BOX)
    return card(
        5,
        "Merged table",
        "Kept on the server: the browser gets the rows you look at. Sort and filter in the column heads.",
        buttons,
        problem(Data.RESULT_PROBLEM),
        html.Div(id=Data.RESULT_NOTICE, role="status"),
        dcc.Loading(box, delay_show=300, type="dot"),
    )


def result(found: Any) -> list[Any]:
    """The size of a result and its grid."""
    size = [
        html.Strong(counted(found.participants, "participant")),
        f" · {counted(found.rows, 'row')} · {counted(len(found.columns), 'column')}",
    ]
    return [html.P(size, className="data-chosen"), grid(found) if found.rows else empty("Nobody is left to show.")]


def grid(found: Any) -> dag.AgGrid:
    rows = max(10, min(100, CELLS_AT_ONCE // max(1, len(found.columns))))
    return dag.AgGrid(
        id=Data.grid(found.result_id[:8]),
        rowModelType="infinite",
        columnDefs=[column(item, n) for n, item in enumerate(found.columns)],
        defaultColDef={"sortable": True, "resizable": True, "minWidth": 90, "width": 140, "floatingFilter": False},
        dashGridOptions={
            "cacheBlockSize": rows,
            "maxBlocksInCache": 10,
            "maxConcurrentDatasourceRequests": 1,
            "enableCellTextSelection": True,
            "tooltipShowDelay": 300,
            "animateRows": False,
        },
        className="ag-theme-quartz data-grid",
    )


def column(item: Any, n: int) -> dict[str, Any]:
    """Fields are numbers: shorter than the names, and no name can mean something to the grid."""
    where = f"{item.table}: " if item.table else "Key: "
    return {
        "field": f"c{n}",
        "headerName": item.name,
        "headerTooltip": where + (item.label or item.name),
        "filter": FILTERS.get(item.type, "agTextColumnFilter"),
        **({"pinned": "left", "width": 170} if n == 0 else {}),
        **({"type": "rightAligned"} if item.type in ("integer", "number") else {}),
    }


def out_of_date() -> dbc.Alert:
    return dbc.Alert(
        "This table is out of date: the choices above, or the files, have changed since. Merge again to renew it.",
        color="warning",
        className="py-2",
    )


def nothing_yet() -> html.P:
    return empty("Merge to see the table here.")


def summary(count: Any) -> list[Any]:
    """Who remains, and at which step how many went."""
    return [
        html.P([html.Span(f"{count.participants:,}", className="data-figure"), " participants now"], className="mb-0"),
        html.P(counted(count.rows, "merged row"), className="text-body-secondary mb-3"),
        *([attrition(count.steps)] if count.steps else []),
    ]


def attrition(steps: list[Any]) -> html.Ol:
    start = steps[0].remaining + steps[0].failed + steps[0].missing
    lines = [attrition_line("Everybody", start, start, "")]
    for step in steps:
        name = [step.filter.column, html.Span(step.filter.table, className="data-from")]
        lines.append(attrition_line(name, step.remaining, start, lost(step)))
    return html.Ol(lines, className="data-attrition")


def attrition_line(name: Any, remaining: int, start: int, words: str) -> html.Li:
    share = 100 * remaining / start if start else 0
    bar = html.Div(html.Div(style={"width": f"{share:.1f}%"}), className="data-share", **{"aria-hidden": "true"})
    head = html.Div([html.Span(name), html.Strong(f"{remaining:,}")], className="data-attrition-head")
    return html.Li([head, bar, html.Small(words, className="text-body-secondary")])


def summary_box() -> html.Aside:
    text = empty("Choose tables to see how many people they hold.")
    return html.Aside(
        [
            html.H2("Cohort", className="h6 text-body-secondary mb-2"),
            html.Div(text, id=Data.SUMMARY, role="status"),
        ],
        className="data-summary",
        **{"aria-label": "Cohort"},
    )


def trouble(text: str) -> dbc.Alert:
    return dbc.Alert(text, color="warning", className="py-2 mb-2")
