"""Card 3: the filters of the cohort, one row each, and how to add one."""

from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from ui.data.card import card, counted, empty, hidden_label, labelled, problem, shown_number
from ui.ids import Data

ROLES = {"age": "Age", "sex": "Sex", "site": "Site", "session": "Visit"}
EVERY_TABLE = "—"  # no table is called so; an empty value would show as an empty box


def filters_card() -> html.Section:
    find = html.Div(
        [
            labelled(
                "Add a filter on any column",
                dbc.Input(
                    id=Data.FILTERS_SEARCH, type="search", debounce=0.3, size="sm", placeholder="Search name or label"
                ),
            ),
            labelled("of", dbc.Select(id=Data.FILTERS_TABLE, options=[], value=EVERY_TABLE, size="sm")),
        ],
        className="data-find",
    )
    undo = dbc.Button(
        "Undo last change", id=Data.FILTERS_UNDO, size="sm", outline=True, color="secondary", disabled=True
    )
    found = html.Div(
        id=Data.FILTERS_FOUND,
        className="data-found",
        tabIndex="0",
        role="group",
        **{"aria-label": "Columns to filter by"},
    )
    return card(
        3,
        "Cohort filters",
        "Applied to the merged rows, from top to bottom. A missing value passes only “is missing”.",
        html.Div(id=Data.FILTERS_DEMOGRAPHICS, className="data-demographics"),
        html.Ol(id=Data.FILTERS_LIST, className="data-filters"),
        html.Div(undo, className="mb-3"),
        find,
        found,
    )


def demographic_buttons(found: list[Any]) -> list[Any]:
    """One button for each column that tells age, sex, site or visit."""
    if not found:
        return []
    buttons = [
        dbc.Button(
            [
                html.Strong(f"+ {ROLES[item.role]}"),
                html.Span(f"{item.table} · {item.column.name}", className="data-from"),
            ],
            id=Data.add_filter("demographics", item.table, item.column.name),
            size="sm",
            outline=True,
            color="primary",
        )
        for item in found
    ]
    return [html.Span("Demographics", className="small fw-semibold"), *buttons]


def found_columns(found: list[tuple[str, Any]], total: int, asked: bool) -> list[Any]:
    if not found:
        return [empty("No column has this in its name or label." if asked else "Choose tables in step 1 first.")]
    rows = [
        html.Button(
            [
                html.Span([html.Strong(f"+ {column.name}"), html.Span(table, className="data-from")]),
                html.Span(column.label, className="data-label"),
            ],
            id=Data.add_filter("search", table, column.name),
            type="button",
            className="data-found-column",
        )
        for table, column in found
    ]
    more = (
        [empty(f"… and {counted(total - len(found), 'more column')}. Search to find them.")]
        if total > len(found)
        else []
    )
    return [*rows, *more]


def filter_rows(forms: list[Any]) -> list[Any]:
    return [filter_row(form) for form in forms] or [html.Li(empty("No filter yet: everybody is in."))]


def filter_row(form: Any) -> html.Li:
    remove = dbc.Button(
        "×", id=Data.row("remove", form.id), size="sm", color="link", className="data-remove",
        title=f"Remove the filter on {form.name}",
    )  # fmt: skip
    label = form.column.label if form.column else ""
    name = html.Div(
        [html.Strong(form.name), html.Span(form.table, className="data-from"), html.Div(label, className="data-label")]
    )
    return html.Li(
        [
            html.Div([name, remove], className="data-filter-head"),
            html.Div(
                [*asked(form), html.Div(value(form), id=Data.row("box", form.id), className="data-box")],
                className="data-filter-body",
            ),
            problem(Data.row("problem", form.id)),
            html.P(id=Data.row("step", form.id), className="data-step", role="status"),
        ],
        className="data-filter",
    )


def asked(form: Any) -> list[Any]:
    if form.kind == "gone":
        return [html.P("This column is not there any more. Remove the filter to go on.", className="data-note mb-0")]
    ops = [{"value": op, "label": words} for op, words in form.ops.items()]
    return hidden_label(
        f"How to compare {form.name}", dbc.Select(id=Data.row("op", form.id), options=ops, value=form.op, size="sm")
    )


def value(form: Any) -> html.Div:
    made = {"range": range_inputs, "one": one_input, "choice": choice_list, "list": line_box}.get(form.kind)
    return html.Div(
        made(form) if made else [],
        id=Data.row_value(form.id, form.kind),
        className=f"data-value data-value-{form.kind}",
    )


def range_inputs(form: Any) -> list[Any]:
    low, high = form.values
    known = f"known: {shown_number(form.column.min)} to {shown_number(form.column.max)}"
    return [
        *hidden_label(f"Lowest {form.name}", box(form, "low", low, form.column.min)),
        html.Span("to"),
        *hidden_label(f"Highest {form.name}", box(form, "high", high, form.column.max)),
        html.Span(known, className="data-known"),
    ]


def one_input(form: Any) -> list[Any]:
    present = form.values[0] if form.values else None
    known = (
        [
            html.Span(
                f"known: {shown_number(form.column.min)} to {shown_number(form.column.max)}", className="data-known"
            )
        ]
        if form.column.min is not None
        else []
    )
    return [*hidden_label(f"Value of {form.name}", box(form, "one", present, form.column.min)), *known]


def box(form: Any, part: str, present: Any, placeholder: Any) -> dbc.Input:
    step = {"step": "any"} if form.input_type == "number" else {}
    return dbc.Input(
        id=Data.row(part, form.id),
        type=form.input_type,
        value=present,
        placeholder=shown_number(placeholder),
        debounce=0.6,
        size="sm",
        **step,
    )


def choice_list(form: Any) -> list[Any]:
    options = [{"value": as_text(choice.value), "label": choice_label(choice)} for choice in form.choices]
    ticked = [as_text(item) for item in form.values]
    boxes = dbc.Checklist(id=Data.row("chosen", form.id), options=options, value=ticked, className="data-choices")
    return [html.Div(boxes, role="group", **{"aria-label": f"Values of {form.name}"})]


def as_text(value: Any) -> str:
    """A value as the key of a choice; the same as in `domain/data/choices.py`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def choice_label(choice: Any) -> list[Any]:
    key = as_text(choice.value)
    words = choice.label if choice.label.casefold() == key.casefold() else f"{choice.label} ({key})"
    return [words, html.Span(f"{choice.rows:,}", className="data-count", title=counted(choice.rows, "row"))]


def line_box(form: Any) -> list[Any]:
    text = "\n".join(as_text(item) for item in form.values)
    area = dbc.Textarea(
        id=Data.row("lines", form.id),
        value=text,
        debounce=True,
        rows=3,
        size="sm",
        placeholder="One value on each line",
    )
    return hidden_label(f"Values of {form.name}, one on each line", area)


def step_text(step: Any) -> list[Any]:
    return [html.Strong(f"{step.remaining:,} remain"), f" · {lost(step)}"]


def lost(step: Any) -> str:
    """Who went at this step, and why."""
    parts = [(step.failed, "did not pass"), (step.missing, "had no value")]
    return ", ".join(f"{n:,} {why}" for n, why in parts if n) or "nobody left out"
