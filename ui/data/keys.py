"""Card 2: what finds the same person in every table, and who stays."""

from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from ui.data.card import card, counted, empty, labelled, problem
from ui.data.tables import SHAPES
from ui.ids import Data

NO_SESSION = "—"  # an empty value would show as an empty box


def keys_card() -> html.Section:
    subject = dbc.Select(id=Data.KEYS_SUBJECT, options=[], size="sm")
    session = dbc.Select(id=Data.KEYS_SESSION, options=[], size="sm")
    base = dbc.Select(id=Data.KEYS_BASE, options=[], size="sm")
    how = dbc.RadioItems(id=Data.KEYS_HOW, options=how_options(""), value="left", className="data-how")
    return card(
        2,
        "Keys",
        "The columns that find the same person, and the same visit, in every table. They are proposed; you decide.",
        html.Div(
            [
                labelled("Participant", subject),
                labelled("Visit or session", session),
                labelled("Base table", base),
            ],
            className="data-fields",
        ),
        html.Fieldset([html.Legend("Who stays in the merged table", className="small fw-semibold mb-1"), how]),
        problem(Data.KEYS_PROBLEM),
        html.Div(id=Data.KEYS_REPORT),
    )


def how_options(base: str) -> list[dict[str, Any]]:
    first = f"Everyone in {base}" if base else "Everyone in the base table"
    return [
        {"value": "left", "label": f"{first}, with what the other tables know of them (left join)"},
        {"value": "inner", "label": "Only who is in every table (inner join)"},
        {"value": "outer", "label": "Everyone who is in any table (outer join)"},
    ]


def session_options(names: list[str]) -> list[dict[str, str]]:
    return [{"value": NO_SESSION, "label": "None: one row for each person"}, *options(names)]


def options(names: list[str]) -> list[dict[str, str]]:
    return [{"value": name, "label": name} for name in names]


def report(found: list[Any], subject: str, session: str | None) -> list[Any]:
    """One line for each table: how the key behaves there."""
    heads = ("Table", "Rows", "Different keys", "Repeated", "Missing", "")
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in heads]))
    table = html.Table([head, html.Tbody([report_row(line) for line in found])], className="table table-sm data-report")
    caption = f"Key: {subject}" + (f" and {session}" if session else "")
    return [
        html.Div(
            table, className="data-scroll", tabIndex="0", role="group", **{"aria-label": f"Key report. {caption}"}
        ),
        *[warning(line, session) for line in found if line.shape == "one-to-many"],
    ]


def report_row(line: Any) -> html.Tr:
    words, meaning = SHAPES[line.shape]
    badge = html.Span(words, className=f"data-badge data-badge-{line.shape}", title=meaning)
    figures = [
        html.Td(f"{n:,}", className="text-end") for n in (line.rows, line.distinct, line.duplicates, line.missing)
    ]
    return html.Tr([html.Th(line.table, scope="row"), *figures, html.Td(badge)])


def warning(line: Any, session: str | None) -> html.P:
    whom = "visit" if session else "person"
    return html.P(
        f"{line.table} has several rows for the same {whom}: {counted(line.rows, 'row')} for "
        f"{counted(line.distinct, whom)}. The merge keeps them all, and repeats on each what the other tables know.",
        className="data-note",
    )


def no_tables() -> html.P:
    return empty("Choose tables in step 1 first.")
