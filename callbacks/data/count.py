"""How many people remain, beside the cards and in the row of each filter; and what is wrong, where it is wrong."""

from __future__ import annotations

from typing import Any

from dash import ALL, Output

from callbacks.data.desk import INPUTS, page, rows_asked, say, workbench
from domain.data.selection import Selection
from errors import AppError, Invalid, NotFound, TookTooLong
from ui.data import filters, result
from ui.data.card import empty
from ui.ids import Data

NOT_IN_USE = "Not in use: its table is not chosen. Tick the table in step 1, or remove the filter."


@page.callback(
    Output(Data.SUMMARY, "children"),
    Output(Data.row("step", ALL), "children"),
    *INPUTS,
    running=[(Output(Data.SUMMARY, "className"), "data-busy", "")],
)
def show_count(available: Any, keys: Any, chosen: Any) -> tuple[Any, list[Any]]:
    selection = Selection.of(available, keys, chosen)
    texts: dict[str, Any] = dict.fromkeys((entry["id"] for entry in selection.filters), NOT_IN_USE)
    in_use = [entry["id"] for entry in selection.in_use()]
    if not selection.tables:
        return empty("Choose tables to see how many people they hold."), said(texts)
    try:
        count = workbench().count(workbench().recipe(selection))
    except (Invalid, NotFound, TookTooLong) as error:
        return explained(error), said({**texts, **dict.fromkeys(in_use, ""), **placed(error, in_use)})
    steps = {name: filters.step_text(step) for name, step in zip(in_use, count.steps, strict=True)}
    return result.summary(count), said({**texts, **steps})


def said(texts: dict[str, Any]) -> list[Any]:
    return [texts.get(name, "") for name in rows_asked()]


def explained(error: AppError) -> Any:
    return [empty("The count has to wait."), result.trouble(say(error))]


def placed(error: AppError, in_use: list[str]) -> dict[str, str]:
    """The message for the filter that `part` names, as in `filters/2/value`."""
    parts = str(error.fields.get("part", "")).split("/")
    if parts[0] != "filters" or len(parts) < 2 or not parts[1].isdecimal() or int(parts[1]) >= len(in_use):
        return {}
    return {in_use[int(parts[1])]: say(error)}
