"""The state layer in somebody else's Dash app: their stores, their callbacks, one import changed."""

import dash
import pandas as pd
import pytest
from dash import Input, Output, State, dcc, html

import state
from tests.servers import free_port

pytestmark = pytest.mark.browser


def foreign_app(tmp_path):
    app = dash.Dash(__name__, use_async=False)
    app.layout = html.Div(
        [
            dcc.Store(id="table-store"),
            dcc.Input(id="typed", value=""),
            html.Button("Load", id="load"),
            html.Div(id="rows"),
            html.Div(id="echo"),
        ]
    )

    @state.callback(Output("table-store", "data"), Input("load", "n_clicks"), prevent_initial_call=True)
    def load(clicks):
        return pd.DataFrame({"a": range(50_000), "b": clicks})

    @state.callback(Output("rows", "children"), Input("table-store", "data"))
    def show(table):
        return "no table" if table is None else f"{len(table)} rows of load {table['b'].iloc[0]}"

    @state.callback(Output("echo", "children"), Input("typed", "value"), State("table-store", "data"))
    def echo(typed, table):
        return f"{typed!r} beside {None if table is None else len(table)}"

    state.StateLayer(app, database_url=f"sqlite:///{tmp_path}/state.db")
    return app


def test_a_foreign_app_keeps_its_table_on_the_server(dash_duo, tmp_path):
    dash_duo.start_server(foreign_app(tmp_path), port=free_port())
    dash_duo.wait_for_text_to_equal("#rows", "no table")
    dash_duo.find_element("#load").click()
    dash_duo.wait_for_text_to_equal("#rows", "50000 rows of load 1")
    dash_duo.find_element("#typed").send_keys('{"store": "table-store", "rev": "1"}')
    dash_duo.wait_for_text_to_equal("#echo", '\'{"store": "table-store", "rev": "1"}\' beside 50000')
    dash_duo.find_element("#load").click()
    dash_duo.wait_for_text_to_equal("#rows", "50000 rows of load 2")
    dash_duo.driver.refresh()
    dash_duo.wait_for_text_to_equal("#rows", "50000 rows of load 2")
    dash_duo.driver.delete_all_cookies()
    dash_duo.driver.refresh()
    dash_duo.wait_for_text_to_equal("#rows", "no table")
    assert dash_duo.get_logs() == []
