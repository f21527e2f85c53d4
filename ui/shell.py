"""The frame around every page: head, skip link, navigation, account menu, and every `dcc.Store` of the app."""

from collections.abc import Callable

import dash
import dash_bootstrap_components as dbc
from dash import dcc, html

from ui.ids import Shell, Stores

TITLE = "Stateroom"
DESCRIPTION = (
    "A private room for each researcher's data: open tables, filter a cohort, merge it, look at it, export it."
)


def index_string(asset: Callable[[str], str]) -> str:
    """The HTML around the app. The theme is chosen before anything is painted."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
{{%metas%}}
<title>{{%title%}}</title>
<link rel="icon" type="image/svg+xml" href="{asset("favicon.svg")}">
<script src="{asset("early/theme.js")}"></script>
<link rel="stylesheet" href="{asset("vendor/bootstrap.min.css")}">
{{%css%}}
</head>
<body>
<noscript><p class="container py-5">Stateroom needs JavaScript. Please allow it for this site.</p></noscript>
{{%app_entry%}}
<footer>
{{%config%}}
{{%scripts%}}
{{%renderer%}}
</footer>
</body>
</html>"""


def layout() -> html.Div:
    return html.Div(
        [
            html.A("Skip to content", href=f"#{Shell.MAIN}", className="skip-link"),
            header(),
            html.Main(dash.page_container, id=Shell.MAIN, tabIndex="-1", className="shell-main"),
            html.Div([dcc.Store(id=store) for store in Stores.ALL]),
        ],
        className="shell",
    )


def header() -> html.Header:
    brand = dcc.Link([html.Span(className="brand-mark"), TITLE], href="/", className="navbar-brand")
    pages = html.Ul(
        html.Li(dbc.NavLink("Data", id=Shell.NAV_DATA, href="/data", active="partial"), className="nav-item"),
        className="navbar-nav me-auto flex-row",
    )
    parts = [brand, pages, theme_button(), account_menu()]
    bar = html.Nav(parts, className="container-fluid shell-nav", **{"aria-label": "Main"})
    return html.Header(bar, className="navbar shell-header")


def theme_button() -> html.Button:
    """`assets/theme_button.js` makes it work and keeps the choice in the browser."""
    return html.Button(
        html.Span(className="theme-icon"),
        id=Shell.THEME_BUTTON,
        className="btn btn-sm shell-button",
        title="Light or dark",
        **{"aria-label": "Switch between light and dark"},
    )


def account_menu() -> html.Details:
    form = [
        html.Label("Your display name", htmlFor=Shell.NAME_INPUT, className="form-label small fw-semibold mb-1"),
        dbc.InputGroup(
            [
                dbc.Input(id=Shell.NAME_INPUT, type="text", maxLength=60, size="sm", autocomplete="nickname"),
                dbc.Button("Save", id=Shell.NAME_SAVE, size="sm", color="primary"),
            ]
        ),
        html.P(id=Shell.NAME_STATUS, className="small text-body-secondary mt-2 mb-0", role="status"),
        html.P(
            "Others see this name, and nothing else about you. Your data stay yours: this browser is the key to them.",
            className="small text-body-secondary mt-2 mb-0",
        ),
    ]
    label = [html.Span(className="account-dot"), html.Span("Account", id=Shell.ACCOUNT_NAME, className="account-name")]
    return html.Details(
        [html.Summary(label, className="btn btn-sm shell-button"), html.Div(form, className="account-panel shadow-sm")],
        id=Shell.ACCOUNT_MENU,
        className="account-menu",
    )
