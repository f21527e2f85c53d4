"""Callbacks on managed stores, through HTTP as a browser sends them: values in, values out, references on the wire."""

import asyncio
import contextvars
import json
from concurrent.futures import ThreadPoolExecutor

import dash
import numpy as np
import pandas as pd
import pytest
from dash import ALL, MATCH, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

import state as stateroom
from errors import StateError
from state import Callbacks, StateLayer, state_managed_callback
from state.memory import MemoryBackend

STORES = {"table-store": {"ttl": 60}, "filters-store": {}, "row-store": {}, "client-store": {"mode": "client"}}


class Browser:
    """One user's browser: a cookie jar, and what its stores hold."""

    def __init__(self, app, opened=True):
        self.client = app.server.test_client()
        self.data = {}
        if opened:
            self.client.get("/")

    def post(self, output, outputs, inputs=(), state=(), changed=()):
        body = {"output": output, "outputs": outputs, "inputs": list(inputs), "state": list(state)}
        return self.client.post("/_dash-update-component", json={**body, "changedPropIds": list(changed)})

    def call(self, output, inputs=(), state=(), changed=()):
        """The response's props, for one output `id.prop`; inputs as (id, prop, value)."""
        component, prop = output.split("@")[0].rsplit(".", 1)
        answer = self.post(output, spec(component, prop), map(item, inputs), map(item, state), changed)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()["response"][component][prop]


def spec(component, prop):
    return {"id": component, "property": prop}


def item(triple):
    component, prop, value = triple
    return {"id": component, "property": prop, "value": value}


def make_app(record, backend=None, stores=STORES, **options):
    app = dash.Dash(__name__, suppress_callback_exceptions=True, **options)
    app.layout = html.Div([dcc.Store(id=name) for name in STORES] + [dcc.Store(id="plain-store"), html.Div(id="out")])
    page = Callbacks()
    record(page)
    page.register(app)
    StateLayer(app, backend or MemoryBackend(), stores=stores)
    return app


def table(n=3):
    return pd.DataFrame({"a": np.arange(n), "b": ["x"] * n})


def record_table(page):
    @page.callback(Output("table-store", "data"), Input("load", "n_clicks"))
    def load(clicks):
        return table(clicks)

    @page.callback(Output("out", "children"), Input("table-store", "data"))
    def show(value):
        return "none" if value is None else f"{type(value).__name__} {value['a'].sum() if len(value) else 0}"

    @page.callback(Output("out", "title"), Input("other", "value"), State("table-store", "data"))
    def echo(typed, value):
        return json.dumps({"typed": typed, "rows": None if value is None else len(value)})


LOAD = [("load", "n_clicks", 3)]


def test_a_value_goes_to_the_server_and_a_reference_to_the_browser(backend):
    one = Browser(make_app(record_table, backend))
    envelope = one.call("table-store.data", LOAD)
    assert envelope.keys() == {"store", "rev"}
    assert len(json.dumps(envelope)) < 100
    assert one.call("out.children", [("table-store", "data", envelope)]) == "DataFrame 3"


def test_each_write_has_another_rev(backend):
    one = Browser(make_app(record_table, backend))
    assert one.call("table-store.data", LOAD) != one.call("table-store.data", LOAD)


def test_a_browser_that_has_nothing_gets_what_the_server_has(backend):
    one = Browser(make_app(record_table, backend))
    assert one.call("out.children", [("table-store", "data", None)]) == "none"
    one.call("table-store.data", LOAD)
    assert one.call("out.children", [("table-store", "data", None)]) == "DataFrame 3"


def test_the_plain_value_of_earlier_days_is_read_as_it_is():
    def record(page):
        @page.callback(Output("out", "children"), Input("filters-store", "data"))
        def show(value):
            return json.dumps(value)

    one = Browser(make_app(record))
    assert one.call("out.children", [("filters-store", "data", {"age": [1, 2]})]) == '{"age": [1, 2]}'


def test_two_users_never_see_each_other(backend):
    app = make_app(record_table, backend)
    one, two = Browser(app), Browser(app)
    mine = one.call("table-store.data", LOAD)
    assert two.call("out.children", [("table-store", "data", None)]) == "none"
    theirs = two.post("out.children", spec("out", "children"), [item(("table-store", "data", mine))])
    assert (theirs.status_code, theirs.get_json()["type"]) == (404, "state-missing")
    two.call("table-store.data", [("load", "n_clicks", 5)])
    assert two.call("out.children", [("table-store", "data", mine)]) == "DataFrame 10"
    assert one.call("out.children", [("table-store", "data", mine)]) == "DataFrame 3"


@pytest.mark.parametrize(
    "forged",
    [
        {"store": "filters-store", "rev": "x"},
        {"store": "table-store", "rev": "x", "owner": "someone"},
        {"store": "table-store:someone", "rev": "x"},
        "SERVERSIDE_abc",
    ],
)
def test_a_forged_state_is_only_the_forgers_own_data(forged):
    app = make_app(record_table)
    victim, forger = Browser(app), Browser(app)
    victim.call("table-store.data", LOAD)
    body = [item(("other", "value", "t"))], [item(("table-store", "data", forged))]
    answer = forger.post("out.title", spec("out", "title"), *body)
    assert answer.status_code in (200, 404)
    if answer.status_code == 200:
        assert json.loads(answer.get_json()["response"]["out"]["title"])["rows"] == len(forged)


def test_a_forged_component_id_changes_nothing():
    app = make_app(record_table)
    one = Browser(app)
    one.call("table-store.data", LOAD)
    body = {"id": "filters-store", "property": "data", "value": None}
    answer = one.post("out.children", spec("out", "children"), [body])
    assert answer.get_json()["response"]["out"]["children"] == "DataFrame 3"
    forged = one.post("table-store.data", spec("filters-store", "data"), [item(("load", "n_clicks", 1))])
    assert forged.status_code >= 400 or "filters-store" not in forged.get_json()["response"]
    assert one.call("out.children", [("table-store", "data", None)]).startswith("DataFrame")


def test_text_that_looks_like_a_reference_stays_text():
    one = Browser(make_app(record_table))
    envelope = one.call("table-store.data", LOAD)
    shown = json.loads(one.call("out.title", [("other", "value", envelope)], [("table-store", "data", envelope)]))
    assert shown == {"typed": envelope, "rows": 3}


def test_a_callback_without_an_identity_is_refused():
    app = make_app(record_table)
    stranger = Browser(app, opened=False)
    answer = stranger.post("table-store.data", spec("table-store", "data"), map(item, LOAD))
    assert answer.status_code == 401


def test_a_forged_identity_cookie_is_a_stranger():
    app = make_app(record_table)
    stranger = Browser(app, opened=False)
    stranger.client.set_cookie("stateroom_id", "ImItYSI.forged")
    answer = stranger.post("table-store.data", spec("table-store", "data"), map(item, LOAD))
    assert answer.status_code == 401


def test_a_value_that_is_gone_is_said_to_be_gone(backend):
    app = make_app(record_table, backend, stores={"table-store": {"ttl": 0.05}})
    one = Browser(app)
    envelope = one.call("table-store.data", LOAD)
    asyncio.run(asyncio.sleep(0.08))
    answer = one.post("out.children", spec("out", "children"), [item(("table-store", "data", envelope))])
    assert (answer.status_code, answer.get_json()["type"]) == (410, "state-expired")


def test_a_value_that_cannot_be_kept_is_refused_with_its_place():
    def record(page):
        @page.callback(Output("filters-store", "data"), Input("load", "n_clicks"))
        def load(_):
            return {"a": [object()]}

    answer = Browser(make_app(record)).post("filters-store.data", spec("filters-store", "data"), map(item, LOAD))
    assert answer.status_code == 422
    assert "value['a'][0]" in answer.get_json()["detail"]


def test_a_client_store_and_an_unmanaged_store_stay_in_the_browser():
    def record(page):
        @page.callback(Output("client-store", "data"), Output("plain-store", "data"), Input("load", "n_clicks"))
        def load(clicks):
            return {"n": clicks}, {"m": clicks}

        @page.callback(Output("out", "children"), Input("client-store", "data"), Input("plain-store", "data"))
        def show(client, plain):
            return json.dumps([client, plain])

    one = Browser(make_app(record))
    outputs = [spec("client-store", "data"), spec("plain-store", "data")]
    answer = one.post("..client-store.data...plain-store.data..", outputs, map(item, LOAD)).get_json()["response"]
    assert answer == {"client-store": {"data": {"n": 3}}, "plain-store": {"data": {"m": 3}}}
    shown = one.call("out.children", [("client-store", "data", {"n": 3}), ("plain-store", "data", {"m": 3})])
    assert json.loads(shown) == [{"n": 3}, {"m": 3}]


def test_a_client_value_that_looks_like_a_reference_survives():
    tricky = {"store": "client-store", "rev": "1"}

    def record(page):
        @page.callback(Output("client-store", "data"), Input("load", "n_clicks"))
        def load(_):
            return tricky

        @page.callback(Output("out", "children"), Input("client-store", "data"))
        def show(value):
            return json.dumps(value)

    one = Browser(make_app(record))
    kept = one.call("client-store.data", LOAD)
    assert json.loads(one.call("out.children", [("client-store", "data", kept)])) == tricky


def test_the_client_backend_leaves_every_store_in_the_browser():
    def record(page):
        @page.callback(Output("filters-store", "data"), Input("load", "n_clicks"))
        def load(clicks):
            return [clicks]

    app = make_app(record, "client")
    assert Browser(app).call("filters-store.data", LOAD) == [3]


def test_several_outputs_no_update_and_side_updates():
    def record(page):
        @page.callback(
            Output("table-store", "data"),
            Output("filters-store", "data"),
            Output("out", "children"),
            Input("load", "n_clicks"),
        )
        def load(clicks):
            dash.set_props("row-store", {"data": (clicks,)})
            return table(), no_update, "done"

        @page.callback(Output("out", "title"), Input("row-store", "data"))
        def show(value):
            return repr(value)

    one = Browser(make_app(record))
    outputs = [spec("table-store", "data"), spec("filters-store", "data"), spec("out", "children")]
    answer = one.post("..table-store.data...filters-store.data...out.children..", outputs, map(item, LOAD)).get_json()
    assert answer["response"]["table-store"]["data"]["store"] == "table-store"
    assert "filters-store" not in answer["response"]
    side = answer["sideUpdate"]["row-store"]["data"]
    assert one.call("out.title", [("row-store", "data", side)]) == "(3,)"


def test_prevent_update_and_whole_no_update_write_nothing():
    def record(page):
        @page.callback(Output("filters-store", "data"), Input("load", "n_clicks"))
        def load(clicks):
            if clicks == 1:
                raise PreventUpdate
            return no_update

    one = Browser(make_app(record))
    for clicks in (1, 2):
        answer = one.post("filters-store.data", spec("filters-store", "data"), [item(("load", "n_clicks", clicks))])
        assert answer.status_code == 204 or answer.get_json()["response"] == {}
    assert one.client.application.extensions["stateroom"].manager.backend.stats().keys == 0


def test_two_callbacks_may_write_one_store():
    def record(page):
        @page.callback(Output("filters-store", "data"), Input("load", "n_clicks"))
        def first(clicks):
            return clicks

        @page.callback(
            Output("filters-store", "data", allow_duplicate=True), Input("more", "n_clicks"), prevent_initial_call=True
        )
        def second(clicks):
            return -clicks

        @page.callback(Output("out", "children"), Input("filters-store", "data"))
        def show(value):
            return str(value)

    app = make_app(record)
    one = Browser(app)
    one.call("filters-store.data", LOAD)
    duplicate = next(output for output in app.callback_map if output.startswith("filters-store.data@"))
    envelope = one.post(duplicate, spec("filters-store", duplicate.split(".", 1)[1]), [item(("more", "n_clicks", 9))])
    assert list(envelope.get_json()["response"]) == ["filters-store"]
    assert one.call("out.children", [("filters-store", "data", None)]) == "-9"


def test_dictionary_and_tuple_groupings():
    def record(page):
        @page.callback(
            output={
                "table": Output("table-store", "data"),
                "rest": (Output("out", "children"), Output("filters-store", "data")),
            },
            inputs={
                "clicks": Input("load", "n_clicks"),
                "pair": (Input("filters-store", "data"), Input("other", "value")),
            },
            state={"row": State("row-store", "data")},
        )
        def load(clicks, pair, row):
            return {"table": table(clicks), "rest": (json.dumps([clicks, pair, row]), {"n": clicks})}

    one = Browser(make_app(record))
    output = "..table-store.data...out.children...filters-store.data.."
    outputs = [spec("table-store", "data"), spec("out", "children"), spec("filters-store", "data")]
    inputs = [("load", "n_clicks", 3), ("filters-store", "data", None), ("other", "value", "t")]
    for expected in (None, {"n": 3}):
        answer = one.post(output, outputs, map(item, inputs), [item(("row-store", "data", None))]).get_json()[
            "response"
        ]
        assert json.loads(answer["out"]["children"]) == [3, [expected, "t"], None]
        assert answer["table-store"]["data"]["store"] == "table-store"


def record_rows(page):
    @page.callback(
        Output({"type": "row-store", "index": MATCH}, "data"), Input({"type": "button", "index": MATCH}, "n_clicks")
    )
    def write(clicks):
        return {"n": clicks}

    @page.callback(Output("out", "children"), Input({"type": "row-store", "index": ALL}, "data"))
    def show(values):
        return json.dumps(values)

    @page.callback(Output({"type": "row-store", "index": ALL}, "data"), Input("load", "n_clicks"))
    def write_all(clicks):
        return [clicks, no_update]


def row(index):
    return {"type": "row-store", "index": index}


def write_row(browser, index, clicks, component=None):
    output = '{"index":["MATCH"],"type":"row-store"}.data'
    button = {"id": {"type": "button", "index": index}, "property": "n_clicks", "value": clicks}
    return browser.post(output, spec(component or row(index), "data"), [button])


def all_rows(browser, *indexes, data=None):
    items = [{"id": row(index), "property": "data", "value": data} for index in indexes]
    answer = browser.post("out.children", spec("out", "children"), [items])
    return (
        json.loads(answer.get_json()["response"]["out"]["children"])
        if answer.status_code == 200
        else answer.status_code
    )


def test_each_index_of_a_pattern_is_its_own_store(backend):
    app = make_app(record_rows, backend)
    one, two = Browser(app), Browser(app)
    for index, clicks in ((1, 10), ("1", 20), ("a:b", 30)):
        assert write_row(one, index, clicks).status_code == 200
    write_row(two, 1, 99)
    assert all_rows(one, 1, "1", "a:b", "never") == [{"n": 10}, {"n": 20}, {"n": 30}, None]
    assert all_rows(two, 1, "1") == [{"n": 99}, None]
    assert all_rows(one) == []


def test_all_outputs_of_a_pattern_may_be_written_or_left():
    one = Browser(make_app(record_rows))
    write_row(one, 1, 1), write_row(one, 2, 2)
    outputs = [spec(row(1), "data"), spec(row(2), "data")]
    answer = one.post('{"index":["ALL"],"type":"row-store"}.data', [outputs], map(item, LOAD))
    if answer.status_code != 200:
        answer = one.post('{"index":["ALL"],"type":"row-store"}.data', outputs, map(item, LOAD))
    assert answer.status_code == 200
    assert all_rows(one, 1, 2) == [3, {"n": 2}]


@pytest.mark.parametrize(
    "component",
    [
        {"type": "table-store", "index": 1},
        {"type": "row-store"},
        {"type": "row-store", "index": 1, "more": 2},
        {"type": "row-store", "index": {"a": 1}},
        {"type": "row-store", "index": None},
        "table-store",
    ],
    ids=str,
)
def test_a_forged_pattern_id_is_refused(component):
    answer = write_row(Browser(make_app(record_rows)), 1, 1, component)
    assert answer.status_code == 400


def test_forged_values_of_a_pattern_are_refused():
    one = Browser(make_app(record_rows))
    items = [{"id": row(1), "property": "data", "value": None}, {"id": {"type": "x", "index": 1}, "property": "data"}]
    assert one.post("out.children", spec("out", "children"), [items]).status_code == 400


def test_the_callback_context_shows_values():
    def record(page):
        @page.callback(Output("out", "children"), Input("filters-store", "data"), State("row-store", "data"))
        def show(_value, _row):
            context = dash.ctx
            return json.dumps([context.inputs, context.states, context.triggered[0]["value"], context.triggered_id])

        @page.callback(Output("filters-store", "data"), Input("load", "n_clicks"))
        def load(clicks):
            return [clicks]

    one = Browser(make_app(record))
    envelope = one.call("filters-store.data", LOAD)
    inputs, states = [("filters-store", "data", envelope)], [("row-store", "data", "r")]
    shown = json.loads(one.call("out.children", inputs, states, ["filters-store.data"]))
    assert shown == [{"filters-store.data": [3]}, {"row-store.data": "r"}, [3], "filters-store"]


def test_clearing_a_store_clears_it_on_the_server():
    def record(page):
        record_table(page)

        @page.callback(Output("table-store", "clear_data"), Input("clear", "n_clicks"))
        def clear(_):
            return True

    one = Browser(make_app(record))
    one.call("table-store.data", LOAD)
    assert one.call("table-store.clear_data", [("clear", "n_clicks", 1)]) is True
    assert one.call("out.children", [("table-store", "data", None)]) == "none"


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_mapped_parameters_arrive_whatever_the_order(above, kind):
    def record(page):
        mark = state_managed_callback(store_mappings={"filters": "filters-store"})
        bind = page.callback(Output("out", "children"), Input("load", "n_clicks"))

        def work(clicks, filters):
            return json.dumps([clicks, filters])

        async def work_async(clicks, filters):
            await asyncio.sleep(0)
            return json.dumps([clicks, filters])

        func = work if kind == "sync" else work_async
        assert (mark(bind(func)) if above else bind(mark(func))) is func

        @page.callback(Output("filters-store", "data"), Input("other", "value"))
        def write(value):
            return {"typed": value}

    one = Browser(make_app(record, use_async=True))
    assert json.loads(one.call("out.children", LOAD)) == [3, None]
    one.call("filters-store.data", [("other", "value", "x")])
    assert json.loads(one.call("out.children", LOAD)) == [3, {"typed": "x"}]


def test_a_mapped_parameter_that_dash_fills_is_replaced():
    def record(page):
        @state_managed_callback(store_mappings={"filters": "filters-store"})
        @page.callback(Output("out", "children"), Input("other", "value"), State("load", "n_clicks"))
        def work(filters, clicks):
            return json.dumps([filters, clicks])

        @page.callback(Output("filters-store", "data"), Input("other", "value"))
        def write(value):
            return [value]

    one = Browser(make_app(record))
    one.call("filters-store.data", [("other", "value", "x")])
    assert json.loads(one.call("out.children", [("other", "value", "session-id")], LOAD)) == [["x"], 3]


def test_an_async_callback_gets_and_returns_values():
    def record(page):
        @page.callback(Output("table-store", "data"), Input("load", "n_clicks"))
        async def load(clicks):
            await asyncio.sleep(0)
            return table(clicks)

        @page.callback(Output("out", "children"), Input("table-store", "data"))
        async def show(value):
            await asyncio.sleep(0)
            return type(value).__name__

    one = Browser(make_app(record, use_async=True))
    envelope = one.call("table-store.data", LOAD)
    assert one.call("out.children", [("table-store", "data", envelope)]) == "DataFrame"


def test_the_mapping_on_a_plain_dash_callback_stops_the_start():
    app = dash.Dash(__name__)
    app.layout = html.Div()

    @state_managed_callback(store_mappings={"filters": "filters-store"})
    @app.callback(Output("out", "children"), Input("load", "n_clicks"))
    def lost(clicks, filters):
        return filters

    with pytest.raises(StateError, match=r"lost .* state\.callback"):
        StateLayer(app, MemoryBackend())


def test_state_callback_stands_in_for_dash_callback():
    app = dash.Dash(__name__)
    app.layout = html.Div([dcc.Store(id="filters-store"), html.Div(id="out"), html.Button(id="load")])

    @stateroom.callback(Output("filters-store", "data"), Input("load", "n_clicks"))
    def load(clicks):
        return {"n": clicks}

    @stateroom.callback(Output("out", "children"), Input("filters-store", "data"))
    def show(value):
        return json.dumps(value)

    StateLayer(app, MemoryBackend(), stores="*")
    one = Browser(app)
    envelope = one.call("filters-store.data", LOAD)
    assert envelope.keys() == {"store", "rev"}
    assert one.call("out.children", [("filters-store", "data", envelope)]) == '{"n": 3}'


def test_the_seeds_functions_work_inside_a_callback():
    def record(page):
        @page.callback(Output("out", "children"), Input("load", "n_clicks"))
        def work(clicks):
            stateroom.set_store("filters-store", {"n": clicks})
            return json.dumps([stateroom.get_store("filters-store"), stateroom.get_store("never", "d")])

    assert json.loads(Browser(make_app(record)).call("out.children", LOAD)) == [{"n": 3}, "d"]


def test_a_user_set_inside_a_request_does_not_outlive_it():
    def record(page):
        @page.callback(Output("out", "children"), Input("load", "n_clicks"))
        def work(clicks):
            manager = stateroom.get_state_manager()
            if clicks == 1:
                manager.set_user_context("someone-else")
                manager.set_store_data("filters-store", "theirs")
            return json.dumps(manager.get_store_data("filters-store"))

    one = Browser(make_app(record))
    assert one.call("out.children", [("load", "n_clicks", 1)]) == '"theirs"'
    assert one.call("out.children", [("load", "n_clicks", 2)]) == "null"


def test_two_apps_in_one_process_keep_apart():
    first, second = make_app(record_table), make_app(record_table)
    one, two = Browser(first), Browser(second)
    one.call("table-store.data", LOAD)
    assert two.call("out.children", [("table-store", "data", None)]) == "none"


def test_a_user_said_for_the_thread_is_not_the_user_of_its_requests():
    def record(page):
        @page.callback(Output("out", "children"), Input("load", "n_clicks"))
        def work(_):
            return json.dumps(stateroom.get_store("filters-store"))

    app = make_app(record)
    manager = app.server.extensions["stateroom"].manager
    context = contextvars.copy_context()

    def seed_and_ask():
        manager.set_user_context("seed")
        manager.set_store_data("filters-store", "secret")
        return Browser(app).call("out.children", LOAD)

    assert context.run(seed_and_ask) == "null"


def test_nobody_inherits_the_user_of_an_earlier_request():
    def record(page):
        @page.callback(Output("filters-store", "data"), Input("load", "n_clicks"))
        def load(clicks):
            return {"n": clicks}

        @page.callback(Output("out", "children"), Input("filters-store", "data"))
        def show(value):
            return json.dumps(value)

    app = make_app(record)
    with app.server.app_context():  # pushed once, as some programs do at import
        one, two = Browser(app), Browser(app)
        one.call("filters-store.data", LOAD)
        assert two.call("out.children", [("filters-store", "data", None)]) == "null"
        stranger = Browser(app, opened=False)
        body = [item(("filters-store", "data", None))]
        assert stranger.post("out.children", spec("out", "children"), body).status_code == 401


def mapped(func, *dependencies):
    def record(page):
        mark = state_managed_callback(store_mappings={"stored": "filters-store"})
        page.callback(Output("out", "children"), *dependencies)(mark(func))

        @page.callback(Output("filters-store", "data"), Input("write", "n_clicks"))
        def write(_):
            return "kept"

    one = Browser(make_app(record))
    one.call("filters-store.data", [("write", "n_clicks", 1)])
    return json.loads(one.call("out.children", [("load", "n_clicks", 3)], [("other", "value", "typed")]))


def test_a_mapped_parameter_may_stand_anywhere():
    dependencies = Input("load", "n_clicks"), State("other", "value")
    assert mapped(lambda n, stored, typed: json.dumps([n, stored, typed]), *dependencies) == [3, "kept", "typed"]
    assert mapped(lambda stored, n, typed: json.dumps([n, stored, typed]), *dependencies) == [3, "kept", "typed"]
    assert mapped(lambda *args, stored=None: json.dumps([*args, stored]), *dependencies) == [3, "typed", "kept"]
    assert mapped(lambda n, typed, stored=None: json.dumps([n, stored, typed]), *dependencies) == [3, "kept", "typed"]


def test_the_groups_of_the_context_show_values_too():
    def record(page):
        @page.callback(
            output=Output("out", "children"),
            inputs={"filters": Input("filters-store", "data"), "typed": Input("other", "value")},
        )
        def show(filters, typed):
            return json.dumps([filters, dash.ctx.args_grouping["filters"]["value"]])

        @page.callback(Output("filters-store", "data"), Input("load", "n_clicks"))
        def load(clicks):
            return [clicks]

    one = Browser(make_app(record))
    envelope = one.call("filters-store.data", LOAD)
    assert json.loads(one.call("out.children", [("filters-store", "data", envelope), ("other", "value", 1)])) == [
        [3],
        [3],
    ]


def test_clearing_all_of_a_pattern_and_by_set_props():
    def record(page):
        record_rows(page)

        @page.callback(Output({"type": "row-store", "index": ALL}, "clear_data"), Input("clear", "n_clicks"))
        def clear(_):
            return [True, False]

        @page.callback(Output("out", "title"), Input("clear-one", "n_clicks"))
        def clear_one(_):
            dash.set_props(row(2), {"clear_data": True})
            return "cleared"

    one = Browser(make_app(record))
    write_row(one, 1, 1), write_row(one, 2, 2)
    outputs = [spec(row(1), "clear_data"), spec(row(2), "clear_data")]
    answer = one.post('{"index":["ALL"],"type":"row-store"}.clear_data', outputs, [item(("clear", "n_clicks", 1))])
    if answer.status_code != 200:
        answer = one.post(
            '{"index":["ALL"],"type":"row-store"}.clear_data', [outputs], [item(("clear", "n_clicks", 1))]
        )
    assert answer.status_code == 200
    assert all_rows(one, 1, 2) == [None, {"n": 2}]
    one.call("out.title", [("clear-one", "n_clicks", 1)])
    assert all_rows(one, 1, 2) == [None, None]


def test_a_store_that_a_layout_shows_later_is_found():
    app = dash.Dash(__name__)
    shown = [html.Div(id="out")]
    app.layout = lambda: html.Div(list(shown))
    page = Callbacks()

    @page.callback(Output("late-store", "data"), Input("load", "n_clicks"))
    def load(clicks):
        return [clicks]

    page.register(app)
    StateLayer(app, MemoryBackend(), stores="*")
    one = Browser(app)
    assert one.call("late-store.data", LOAD) == [3]
    shown.append(dcc.Store(id="late-store"))
    app.server.extensions["stateroom"]._scan_after = 0
    assert one.call("late-store.data", LOAD).keys() == {"store", "rev"}


def test_two_apps_on_one_server_keep_their_stores_and_share_the_identity():
    first = dash.Dash("first", url_base_pathname="/a/")
    second = dash.Dash("second", server=first.server, url_base_pathname="/b/")
    for app, name in ((first, "first-store"), (second, "second-store")):
        app.layout = html.Div([dcc.Store(id=name)])
        page = Callbacks()

        @page.callback(Output(name, "data"), Input("load", "n_clicks"))
        def load(clicks):
            return [clicks]

        page.register(app)
        StateLayer(app, MemoryBackend(), stores={name: {}})
    client = first.server.test_client()
    assert len(client.get("/a/").headers.getlist("Set-Cookie")) == 1
    for path, name in (("/a/", "first-store"), ("/b/", "second-store")):
        body = {
            "output": f"{name}.data",
            "outputs": spec(name, "data"),
            "inputs": [item(LOAD[0])],
            "changedPropIds": [],
        }
        answer = client.post(f"{path}_dash-update-component", json=body).get_json()
        assert answer["response"][name]["data"]["store"] == name


def record_list(page):
    @page.callback(Output("filters-store", "data"), Input("add", "value"), State("filters-store", "data"))
    def add(value, seen):
        return stateroom.Change(lambda now: [*(now or []), value], seen)

    @page.callback(Output("client-store", "data"), Input("add", "value"), State("client-store", "data"))
    def add_in_browser(value, seen):
        return stateroom.Change(lambda now: [*(now or []), value], seen)

    @page.callback(Output("out", "children"), Input("filters-store", "data"))
    def show(value):
        return json.dumps(value)


def test_changes_at_the_same_time_lose_none(backend):
    app = make_app(record_list, backend)
    one = Browser(app)
    cookie = one.client.get_cookie("stateroom_id").value

    def add(number):
        browser = Browser(app, opened=False)
        browser.client.set_cookie("stateroom_id", cookie)
        return browser.call("filters-store.data", [("add", "value", number)], [("filters-store", "data", None)])

    with ThreadPoolExecutor(8) as pool:
        revs = {answer["rev"] for answer in pool.map(add, range(40))}
    assert len(revs) == 40
    assert sorted(json.loads(one.call("out.children", [("filters-store", "data", None)]))) == list(range(40))


def test_a_change_of_a_store_in_the_browser_applies_to_what_was_seen():
    one = Browser(make_app(record_list))
    assert one.call("client-store.data", [("add", "value", 2)], [("client-store", "data", [1])]) == [1, 2]
