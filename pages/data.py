"""`/data`: from tables to a cohort, in five steps."""

import dash
from dash import html

from ui.data.columns import columns_card
from ui.data.filters import filters_card
from ui.data.keys import keys_card
from ui.data.result import result_card, summary_box
from ui.data.tables import content_dialog, tables_card

dash.register_page(__name__, path="/data", title="Data · Stateroom", name="Data", order=1)


def layout(**_query: str) -> html.Div:
    steps = [tables_card(), keys_card(), filters_card(), columns_card(), result_card()]
    return html.Div(
        [
            html.H1("Build a cohort", className="h3 mb-3"),
            html.Div([html.Div(steps, className="data-steps"), summary_box()], className="data-page"),
            content_dialog(),
        ],
        className="container-xxl py-4",
    )
