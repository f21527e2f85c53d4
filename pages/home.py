"""`/`: what this is, and the way in."""

import dash
import dash_bootstrap_components as dbc
from dash import html

from ui.ids import Home

dash.register_page(__name__, path="/", title="Stateroom", name="Start", order=0)

STEPS = (
    ("Open", "Tables from your study folder: CSV, TSV, Parquet, Excel, with their dictionaries as labels."),
    ("Filter", "Age, site, session, sex, and any measure from any table. See at each step who remains, and why."),
    ("Merge", "By subject and session. Keys are proposed; you decide. Nothing is joined behind your back."),
    ("Export", "Look at the result, sort it, take it with you as CSV. The originals are never touched."),
)


def layout(**_query: str) -> html.Div:
    return html.Div(
        [
            html.H1("A private room for your study's data", className="home-title"),
            html.P(
                "Build a cohort from your own tables, in the browser, beside colleagues who do the same. "
                "What you do here is kept on the server, seen by nobody else, and still there tomorrow.",
                className="lead home-lead",
            ),
            dbc.Button("Open the data", id=Home.OPEN_DATA, href="/data", color="primary", size="lg"),
            html.Ol([step(name, text) for name, text in STEPS], className="home-steps"),
        ],
        className="container home",
    )


def step(name: str, text: str) -> html.Li:
    return html.Li([html.H2(name, className="h5"), html.P(text, className="mb-0")], className="home-step")
