"""Card 2: the keys, proposed and decided, and how they behave in each table."""

from __future__ import annotations

from typing import Any

from dash import Input, Output, State
from dash.exceptions import PreventUpdate

from callbacks.data.desk import chosen_tables, page, say, tables, workbench
from domain.data.description import Table
from domain.data.selection import Selection
from errors import Invalid
from state import Change
from ui.data import keys as ui
from ui.ids import Data, Stores

PARTS = ("subject", "session", "base", "how")


@page.callback(
    Output(Data.KEYS_SUBJECT, "options"),
    Output(Data.KEYS_SUBJECT, "value"),
    Output(Data.KEYS_SESSION, "options"),
    Output(Data.KEYS_SESSION, "value"),
    Output(Data.KEYS_BASE, "options"),
    Output(Data.KEYS_BASE, "value"),
    Output(Data.KEYS_HOW, "value"),
    Input(Stores.AVAILABLE_TABLES, "data"),
    State(Stores.MERGE_KEYS, "data"),
)
def show_keys(available: Any, keys: Any) -> tuple[Any, ...]:
    selection, known = Selection.of(available, keys, None), tables()
    chosen, now = selection.chosen(known), selection.decided(known)
    subjects, sessions = shared(chosen), among(chosen)
    return (
        ui.options(with_present(subjects, now["subject"])),
        now["subject"],
        ui.session_options(with_present(sessions, now["session"])),
        now["session"] or ui.NO_SESSION,
        ui.options([table.name for table in chosen]),
        now["base"],
        now["how"],
    )


def shared(chosen: list[Table]) -> list[str]:
    """The columns that every table has."""
    return [column.name for column in chosen[0].columns if all(t.column(column.name) for t in chosen)] if chosen else []


MOST_SESSIONS = 500


def among(chosen: list[Table]) -> list[str]:
    """The columns that any table has, the shared ones first."""
    names = dict.fromkeys([*shared(chosen), *(column.name for table in chosen for column in table.columns)])
    return list(names)[:MOST_SESSIONS]


def with_present(names: list[str], present: Any) -> list[str]:
    return [present, *names] if isinstance(present, str) and present not in names else names


@page.callback(Output(Data.KEYS_HOW, "options"), Input(Data.KEYS_BASE, "value"))
def name_the_base(base: Any) -> list[dict[str, Any]]:
    return ui.how_options(base if isinstance(base, str) else "")


@page.callback(
    Output(Stores.MERGE_KEYS, "data"),
    Input(Data.KEYS_SUBJECT, "value"),
    Input(Data.KEYS_SESSION, "value"),
    Input(Data.KEYS_BASE, "value"),
    Input(Data.KEYS_HOW, "value"),
    State(Stores.AVAILABLE_TABLES, "data"),
    State(Stores.MERGE_KEYS, "data"),
    prevent_initial_call=True,
)
def change_keys(subject: Any, session: Any, base: Any, how: Any, available: Any, keys: Any) -> Change:
    """What differs from what is decided by now is the user's own decision; the rest stays a proposal."""
    now = Selection.of(available, keys, None).decided(tables())
    shown = dict(zip(PARTS, (subject, None if session == ui.NO_SESSION else session, base, how), strict=True))
    changed = {part: value for part, value in shown.items() if value != now[part]}
    if subject is None or not changed or not all(value is None or is_name(value) for value in changed.values()):
        raise PreventUpdate
    return Change(lambda store: {**(store if isinstance(store, dict) else {}), **changed}, keys)


def is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) < 1000


@page.callback(
    Output(Data.KEYS_REPORT, "children"),
    Output(Data.KEYS_PROBLEM, "children"),
    Input(Stores.AVAILABLE_TABLES, "data"),
    Input(Stores.MERGE_KEYS, "data"),
)
def show_report(available: Any, keys: Any) -> tuple[Any, str]:
    chosen = chosen_tables(available)
    if not chosen:
        return ui.no_tables(), ""
    now = Selection.of(available, keys, None).decided(tables())
    if now["subject"] is None:
        return [], "These tables share no column that looks like a participant. Choose one above, or other tables."
    try:
        found = workbench().key_report(chosen, str(now["subject"]), now["session"])
    except Invalid as error:
        return [], say(error)
    return ui.report(found, now["subject"], now["session"]), ""
