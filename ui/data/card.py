"""What the cards share: a numbered card, a labelled control, a place for a message."""

import json
from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from ui.ids import Data


def card(number: int, title: str, hint: str, *content: Any) -> html.Section:
    name = Data.step(number)
    heading = html.H2([html.Span(number, className="data-number"), title], id=name, className="h5 mb-1")
    return html.Section(
        [heading, html.P(hint, className="data-hint"), *content],
        className="data-card",
        **{"aria-labelledby": name},
    )


def label(text: Any, control: Any, className: str) -> html.Label:
    """The label of a control, whose id may be a pattern: in the page that is JSON with its keys in order."""
    name = control.id if isinstance(control.id, str) else json.dumps(control.id, sort_keys=True, separators=(",", ":"))
    return html.Label(text, htmlFor=name, className=className)


def labelled(text: Any, control: Any, className: str = "") -> html.Div:
    return html.Div([label(text, control, "form-label small fw-semibold mb-1"), control], className=className)


def hidden_label(text: str, control: Any) -> list[Any]:
    """For screen readers, where the place says to everybody else what the control is."""
    return [label(text, control, "visually-hidden"), control]


def problem(name: Any) -> html.Div:
    """Where a message about what is wrong appears; announced when it does."""
    return html.Div(id=name, className="data-problem", role="alert")


def empty(text: Any) -> html.P:
    return html.P(text, className="data-empty")


def search(control: dbc.Input, label: str, target: str) -> html.Div:
    """A box that hides the parts of `target` whose text does not fit; `assets/data.js` makes it work."""
    return html.Div(hidden_label(label, control), className="data-search", **{"data-search-in": target})


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `1,234 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shown_number(value: Any) -> str:
    """A figure of a table: as it is, without digits or letters that say nothing. Only dates and times have a T."""
    if isinstance(value, float):
        return f"{value:.10g}"
    return "" if value is None else str(value).replace("T", " ")
