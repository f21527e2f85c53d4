"""Callback requests that do not fit the callback they name: refused before Dash stumbles over them."""

from __future__ import annotations

import copy
import json
import logging
from typing import Any

import flask
import pytest
from dash import ALL, MATCH, Dash, Input, Output, State, ctx
from flask.testing import FlaskClient

from api import problems, security
from settings import Server

CALLBACK = "/_dash-update-component"
WORD = {"output": "said.children", "outputs": {"id": "said", "property": "children"}}
WORD |= {"inputs": [{"id": "word", "property": "value", "value": "a"}], "changedPropIds": ["word.value"]}
ROWS = {
    "output": '..rows-count.children...{"row":["ALL"],"type":"cell"}.children..',
    "outputs": [
        {"id": "rows-count", "property": "children"},
        [{"id": {"row": row, "type": "cell"}, "property": "children"} for row in (1, "x")],
    ],
    "inputs": [[{"id": {"row": row, "type": "button"}, "property": "n_clicks", "value": 1} for row in (1, "x")]],
    "state": [{"id": "word", "property": "value"}],
    "changedPropIds": ['{"row":"x","type":"button"}.n_clicks'],
}
JUNK: list[Any] = [None, 1, "", "x", [], {}, [[]], [None], True, 10**30, {"a": [1]}, "{.x", '{"row":[1]}.n_clicks']


@pytest.fixture
def client() -> FlaskClient:
    """A small application with one callback of every kind."""
    server = flask.Flask("small")
    problems.install(server)
    security.install(server, Server())
    app = Dash("small", server=server, suppress_callback_exceptions=True)
    security.install_pages(server, set, lambda: app.callback_map, app.csp_hashes)
    app.layout = []

    @app.callback(Output("said", "children"), Input("word", "value"))
    def say(word: Any) -> str:
        return json.dumps(word)

    @app.callback(Output("said", "children", allow_duplicate=True), Input("other", "value"), prevent_initial_call=True)
    def say_too(word: Any) -> str:
        return json.dumps(word)

    @app.callback(
        Output("rows-count", "children"),
        Output({"type": "cell", "row": ALL}, "children"),
        Input({"type": "button", "row": ALL}, "n_clicks"),
        State("word", "value"),
    )
    def fill(clicks: list[Any], _: Any) -> tuple[str, list[str]]:
        return f"{ctx.triggered_id}", ["" for _ in ctx.outputs_list[1]]

    @app.callback(
        Output({"type": "one", "row": MATCH}, "children"), Input({"type": "button", "row": MATCH}, "n_clicks")
    )
    def match(clicks: Any) -> str:
        return json.dumps(clicks)

    app.clientside_callback("x => x", Output("browser", "children"), Input("word", "value"))
    client = server.test_client()
    client.get("/_dash-dependencies")
    return client


def status(client: FlaskClient, body: Any) -> int:
    return client.post(CALLBACK, json=body).status_code


@pytest.mark.parametrize("call", [WORD, ROWS])
def test_what_the_browser_sends_is_answered(client: FlaskClient, call: dict[str, Any]) -> None:
    assert status(client, call) == 200
    assert status(client, {**call, "changedPropIds": [], "parsedChangedPropsIds": []}) == 200


def test_one_of_several_callbacks_of_an_output_is_answered(client: FlaskClient) -> None:
    (name,) = [d["output"] for d in client.get("/_dash-dependencies").json if "@" in d["output"]]
    outputs = {"id": "said", "property": name.partition(".")[2]}
    inputs = [{"id": "other", "property": "value", "value": 1}]
    assert status(client, {"output": name, "outputs": outputs, "inputs": inputs, "state": []}) == 200


def test_a_matching_callback_is_answered(client: FlaskClient) -> None:
    output = {"id": {"row": 7, "type": "one"}, "property": "children"}
    inputs = [{"id": {"row": 7, "type": "button"}, "property": "n_clicks", "value": 1}]
    body = {"output": '{"row":["MATCH"],"type":"one"}.children', "outputs": output, "inputs": inputs}
    assert status(client, body) == 200
    assert status(client, {**body, "outputs": [output]}) == 400
    assert status(client, {**body, "inputs": [inputs]}) == 400


def test_no_rows_are_rows(client: FlaskClient) -> None:
    body = {**ROWS, "outputs": [ROWS["outputs"][0], []], "inputs": [[]], "changedPropIds": []}
    assert status(client, body) == 200


def test_a_callback_that_runs_in_the_browser_is_not_found(client: FlaskClient) -> None:
    body = {"output": "browser.children", "outputs": {"id": "browser", "property": "children"}}
    assert status(client, {**body, "inputs": WORD["inputs"], "changedPropIds": []}) == 404


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": []},
        {"inputs": WORD["inputs"] * 2},
        {"inputs": [WORD["inputs"]]},
        {"inputs": [{"id": "other", "property": "value"}]},
        {"inputs": [{"id": "word", "property": "n_clicks"}]},
        {"state": {}},
        {"state": WORD["inputs"]},
        {"outputs": []},
        {"outputs": None},
        {"outputs": [WORD["outputs"]]},
        {"changedPropIds": "word.value"},
        {"changedPropIds": [1]},
        {"changedPropIds": ["word"]},
        {"changedPropIds": ["word.n_clicks"]},
        {"changedPropIds": ["{" * 100_000 + ".value"]},
    ],
)
def test_another_shape_is_refused(client: FlaskClient, change: dict[str, Any]) -> None:
    assert status(client, {**WORD, **change}) == 400


def test_no_part_of_a_request_can_be_replaced_by_junk(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for call in (WORD, ROWS):
        for place in places(call):
            for junk in (*JUNK, KeyError):
                answer = status(client, replaced(call, place, junk))
                assert answer in {200, 400, 404}, (place, junk)
    assert caplog.records == []


def places(value: Any) -> list[tuple[Any, ...]]:
    """Where there is something inside a value: the keys to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, part in items for place in [(key,), *((key, *rest) for rest in places(part))]]


def replaced(call: dict[str, Any], place: tuple[Any, ...], junk: Any) -> dict[str, Any]:
    """The call with something else in one place; with nothing there for KeyError."""
    changed = inner = copy.deepcopy(call)
    for key in place[:-1]:
        inner = inner[key]
    if junk is KeyError:
        del inner[place[-1]]
    else:
        inner[place[-1]] = junk
    return changed


@pytest.mark.parametrize(
    ("pathname", "search", "expected"),
    [
        ("/", "", 200),
        ("/", None, 200),
        ("/nowhere", "?a=1", 200),
        (None, None, 200),
        ("nowhere", "", 400),
        (["/"], "", 400),
        ("/", {"a": 1}, 400),
        ({"a": 1}, "", 400),
        (7, "", 400),
    ],
)
def test_the_address_of_a_page_is_a_path(one: FlaskClient, pathname: Any, search: Any, expected: int) -> None:
    one.get("/")
    place = "_pages_location"
    names = [("_pages_content", "children"), ("_pages_store", "data")]
    body = {
        "output": ".._pages_content.children..._pages_store.data..",
        "outputs": [{"id": name, "property": prop} for name, prop in names],
        "inputs": [
            {"id": place, "property": "pathname", "value": pathname},
            {"id": place, "property": "search", "value": search},
        ],
        "changedPropIds": ["_pages_location.pathname"],
    }
    assert status(one, body) == expected
