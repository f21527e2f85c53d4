"""Card 4: which columns of each table go into the merged table."""

from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from ui.data.card import card, counted, empty, labelled, search
from ui.ids import Data

MOST_COLUMNS = 1000


def columns_card() -> html.Section:
    bar = html.Div(
        [
            labelled("Columns of", dbc.Select(id=Data.COLUMNS_TABLE, options=[], size="sm")),
            search(
                dbc.Input(id=Data.COLUMNS_SEARCH, type="search", placeholder="Search columns", size="sm"),
                "Search columns",
                Data.COLUMNS_PANEL,
            ),
            dbc.Button("All columns", id=Data.COLUMNS_ALL, size="sm", outline=True, color="secondary"),
        ],
        className="data-bar",
    )
    panel = html.Div(
        id=Data.COLUMNS_PANEL, className="data-columns", tabIndex="0", role="group", **{"aria-label": "Columns to keep"}
    )
    return card(
        4,
        "Columns",
        "All columns of every chosen table, unless you leave some out. Filters work on columns that are left out, too.",
        bar,
        panel,
        html.P(id=Data.COLUMNS_CHOSEN, className="data-chosen", role="status"),
    )


def column_list(table: Any, keys: list[str], ticked: list[str]) -> list[Any]:
    columns = [column for column in table.columns if column.name not in keys]
    options = [{"value": column.name, "label": column_label(column)} for column in columns[:MOST_COLUMNS]]
    more = len(columns) - MOST_COLUMNS
    note = [empty(f"… and {counted(more, 'more column')}, which stay as they are.")] if more > 0 else []
    return [dbc.Checklist(id=Data.pick_columns(table.name), options=options, value=ticked), *note]


def column_label(column: Any) -> list[Any]:
    return [html.Strong(column.name), html.Span(column.label, className="data-label")]


def chosen_line(chosen: dict[str, int], totals: dict[str, int]) -> str:
    """How many columns of which table, where it is not all of them."""
    if not totals:
        return "Choose tables in step 1 first."
    parts = [f"{chosen[name]} of {total} of {name}" for name, total in totals.items() if name in chosen]
    return "All columns of every table." if not parts else "Kept: " + ", ".join(parts) + "; all of the other tables."
