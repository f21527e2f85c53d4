"""The frame: the display name in the account menu."""

from dash import Input, Output, State

from state import Callbacks
from state.sessions import current_name, rename
from ui.ids import Shell

page = Callbacks()


@page.callback(
    Output(Shell.ACCOUNT_NAME, "children"),
    Output(Shell.NAME_INPUT, "value"),
    Output(Shell.NAME_STATUS, "children"),
    Input(Shell.NAME_SAVE, "n_clicks"),
    Input(Shell.NAME_INPUT, "n_submit"),
    State(Shell.NAME_INPUT, "value"),
)
def show_or_change_name(clicks: int | None, submits: int | None, typed: str | None) -> tuple[str, str, str]:
    """The name as it is when the page opens, as it was typed when it is saved."""
    if not clicks and not submits:
        return current_name(), current_name(), ""
    rename(typed)
    return current_name(), current_name(), "Saved."
