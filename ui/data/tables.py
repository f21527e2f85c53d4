"""Card 1: which tables there are, what is in them, and which are chosen."""

from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html

from ui.data.card import card, counted, empty, search, shown_number
from ui.ids import Data

SHAPES = {
    "cross-sectional": ("one row each", "Cross-sectional: one row for each person."),
    "longitudinal": ("longitudinal", "Longitudinal: one row for each person and visit."),
    "one-to-many": ("several rows each", "One-to-many: several rows for one person, or for one person and visit."),
}
MOST_COLUMNS = 1000
MOST_LEVELS = 6


def tables_card() -> html.Section:
    bar = html.Div(
        [
            search(
                dbc.Input(id=Data.TABLES_SEARCH, type="search", placeholder="Search tables", size="sm"),
                "Search tables",
                Data.TABLES_LIST,
            ),
            dbc.Button(
                "Look again",
                id=Data.TABLES_LOOK_AGAIN,
                size="sm",
                outline=True,
                color="secondary",
                title="Read the folder again: new, changed and removed files",
            ),
        ],
        className="data-bar",
    )
    listing = html.Div(
        html.P("Reading the study’s tables … the first time takes a few seconds.", className="data-empty"),
        id=Data.TABLES_LIST,
        className="data-tables",
        tabIndex="0",
        role="group",
        **{"aria-label": "Tables"},
    )
    chosen = html.P(id=Data.TABLES_CHOSEN, className="data-chosen", role="status")
    return card(
        1,
        "Tables",
        "Tick the tables that the cohort is made of. The first one is the base; others are joined to it.",
        bar,
        dcc.Loading(listing, delay_show=300, type="dot"),
        chosen,
    )


def table_list(tables: list[Any], shapes: dict[str, str], chosen: list[str], refused: list[Any]) -> list[Any]:
    known = {table.name for table in tables}
    gone = [gone_row(name) for name in chosen if name not in known]
    rows = [table_row(table, shapes.get(table.name), table.name in chosen) for table in tables]
    refusals = [refused_row(file) for file in refused]
    if not rows and not gone:
        text = "There are no tables here. Put CSV, TSV, Parquet or Excel files into the study’s folder and look again."
        return [empty(text), *refusals]
    return [*refusals, *gone, *rows]


def table_row(table: Any, shape: str | None, is_chosen: bool) -> html.Div:
    size = f"{counted(table.rows, 'row')} · {counted(len(table.columns), 'column')}"
    words, meaning = SHAPES[shape] if shape else ("no key found", "No column looks like a participant.")
    badge = html.Span(words, className=f"data-badge data-badge-{shape or 'none'}", title=meaning)
    title = table.title if table.title and table.title != table.name else ""
    return html.Div(
        [
            dbc.Checkbox(
                id=Data.choose(table.name), value=is_chosen, className="data-table-name",
                label=[html.Strong(table.name), html.Span(title, className="data-table-title")],
            ),
            html.Span(size, className="data-table-size"),
            badge,
            dbc.Button(
                ["What is in it", html.Span(f" {table.name}?", className="visually-hidden")],
                id=Data.look_into(table.name), size="sm", color="link", className="data-look",
            ),
        ],
        className="data-table",
    )  # fmt: skip


def gone_row(name: str) -> html.Div:
    label = [html.Strong(name), html.Span("is not in the folder any more. Untick it to go on.", className="ms-2")]
    return html.Div(dbc.Checkbox(id=Data.choose(name), value=True, label=label), className="data-table data-warning")


def refused_row(file: Any) -> html.Div:
    place = f" (row {file.row})" if file.row else ""
    words = [html.Strong(file.filename), f" cannot be read{place}: {file.reason}"]
    return html.Div(words, className="data-table data-warning")


def chosen_line(chosen: list[str], total: int) -> list[Any]:
    if not chosen:
        return ["No table is chosen yet."]
    return [html.Strong(f"{len(chosen)} of {total} chosen: "), ", ".join(chosen)]


def content_dialog() -> dbc.Modal:
    box = search(
        dbc.Input(id=Data.CONTENT_SEARCH, type="search", placeholder="Search columns", size="sm"),
        "Search columns",
        Data.CONTENT_LIST,
    )
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle(id=Data.CONTENT_TITLE)),
            dbc.ModalBody([box, html.Div(id=Data.CONTENT_LIST, className="data-content")]),
        ],
        id=Data.CONTENT_DIALOG,
        is_open=False,
        size="xl",
        scrollable=True,
        labelledby=Data.CONTENT_TITLE,
    )


def content_title(table: Any) -> list[Any]:
    size = f" {counted(table.rows, 'row')}, {counted(len(table.columns), 'column')}, from {table.source}"
    return [table.name, html.Small(size, className="text-body-secondary ms-2")]


def content_list(table: Any) -> list[Any]:
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in ("Column", "Type", "Missing", "Values")]))
    body = html.Tbody([content_row(column, table.rows) for column in table.columns[:MOST_COLUMNS]])
    more = len(table.columns) - MOST_COLUMNS
    note = [empty(f"… and {counted(more, 'more column')}.")] if more > 0 else []
    return [html.Table([head, body], className="table table-sm data-columns-table"), *note]


def content_row(column: Any, rows: int) -> html.Tr:
    share = f" ({100 * column.missing / rows:.0f} %)" if rows and column.missing else ""
    name = html.Th([column.name, html.Div(column.label, className="data-label")], scope="row")
    return html.Tr(
        [name, html.Td(column.type), html.Td(f"{column.missing:,}{share}"), html.Td(values_of(column))],
        **{"data-searched": f"{column.name} {column.label}".lower()},
    )


def values_of(column: Any) -> str:
    """Range or levels, in a few words."""
    if column.levels:
        named = [value if value == label else f"{value} = {label}" for value, label in column.levels.items()]
        more = len(named) - MOST_LEVELS
        return "; ".join(named[:MOST_LEVELS]) + (f"; … {more} more" if more > 0 else "")
    if column.min is not None:
        return f"{shown_number(column.min)} to {shown_number(column.max)}"
    return counted(column.distinct, "different value")
