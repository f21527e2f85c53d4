"""The Data page's callbacks as requests: what a browser sends, and what somebody makes up."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

import app
from settings import Data as DataSettings
from settings import Settings, State
from ui.ids import Data, Stores

AVAILABLE, KEYS, FILTERS, MERGED = Stores.ALL
RECIPE = {
    "tables": ["people", "visits"],
    "keys": {"subject": "id"},
    "filters": [{"table": "people", "column": "age", "op": "between", "value": [30, 45]}],
}
NONSENSE = [5, "x", [], {}, True, {"store": FILTERS, "rev": "00"}, {"filters": 5}, {"filters": [{}]}, [["x"]], "\0"]
PARTS = ("op", "low", "high", "one", "chosen", "lines")
GRID = {"startRow": 0, "endRow": 100, "sortModel": [], "filterModel": {}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home: Path) -> flask.Flask:
    folder = home / "study"
    folder.mkdir()
    (folder / "people.csv").write_text("id,age,sex\na,30,F\nb,,M\nc,41,F\nd,52,M\n")
    (folder / "visits.csv").write_text("id,score\na,1\na,2\nc,\ne,5\n")
    settings = Settings(home=home, state=State(backend="memory"), data=DataSettings(directory=str(folder)))
    return app.create_server(settings)


@pytest.fixture
def ada(server: flask.Flask) -> FlaskClient:
    return caller(server)


@pytest.fixture
def ben(server: flask.Flask) -> FlaskClient:
    return caller(server)


def caller(server: flask.Flask) -> FlaskClient:
    client = server.test_client()
    assert client.get("/data").status_code == 200
    return client


def text(name: Any) -> str:
    return name if isinstance(name, str) else json.dumps(name, sort_keys=True, separators=(",", ":"))


def pattern(name: Any) -> str:
    """An id as the list of callbacks has it, its values left out."""
    return ",".join(sorted(name)) + name["type"] if isinstance(name, dict) else name


def declared(client: FlaskClient, first_input: Any, output: str = "") -> dict[str, Any]:
    """The callback whose first input is of this component."""
    for entry in client.get("/_dash-dependencies").json:
        found = entry["inputs"][0]["id"]
        found = json.loads(found) if found.startswith("{") else found
        if pattern(found) == pattern(first_input) and output in entry["output"]:
            return entry
    raise AssertionError(first_input)


def fire(client: FlaskClient, first: Any, *values: Any, output: str = "", ids: list[Any] | None = None) -> Any:
    """Call the callback whose first input is `first`, with values for its inputs and states in their order.

    For a part with a pattern the value is a list of (id, value).
    """
    entry = declared(client, first, output)
    parts = [*entry["inputs"], *entry["state"]]
    specs = [spec(part, value) for part, value in zip(parts, [*values, *[None] * len(parts)], strict=False)]
    inputs, states = specs[: len(entry["inputs"])], specs[len(entry["inputs"]) :]
    changed = f"{text(first)}.{entry['inputs'][0]['property']}"
    outputs = [out(part, ids) for part in entry["output"].strip(".").split("...")]
    body = {
        "output": entry["output"],
        "outputs": outputs if entry["output"].startswith("..") else outputs[0],
        "inputs": inputs,
        "state": states,
        "changedPropIds": [changed],
    }
    return client.post("/_dash-update-component", json=body)


def spec(part: dict[str, Any], value: Any) -> Any:
    if not part["id"].startswith("{") or "MATCH" in part["id"]:
        name = value[0] if isinstance(value, tuple) else part["id"]
        return {"id": name, "property": part["property"], "value": value[1] if isinstance(value, tuple) else value}
    return [{"id": name, "property": part["property"], "value": held} for name, held in value or []]


def out(part: str, ids: list[Any] | None) -> Any:
    name, _, prop = part.rpartition(".")
    if not name.startswith("{"):
        return {"id": name, "property": prop}
    return (
        [{"id": known, "property": prop} for known in ids or []] if "ALL" in name else {"id": ids[0], "property": prop}
    )


def grid(client: FlaskClient, request: Any, merged: Any = None) -> Any:
    name = Data.grid("whatever")
    return fire(client, name, (name, request), merged, ids=[name])


def test_ticking_a_table_chooses_it_for_this_caller_only(ada: FlaskClient, ben: FlaskClient) -> None:
    people = Data.choose("people")
    answer = fire(ada, people, [(people, True), (Data.choose("visits"), False)])
    (sent,) = answer.json["response"].values()
    assert set(sent["data"]) == {"store", "rev"}
    assert ada.get("/api/v1/cohort").json["tables"] == ["people"]
    assert ben.get("/api/v1/cohort").status_code == 404


@pytest.mark.parametrize("name", ["nothing", "../people", "people\0", "x" * 10_000, 5, None, {"$": 1}])
def test_a_forged_table_is_not_chosen(ada: FlaskClient, name: Any) -> None:
    forged = {"type": "data-table-choose", "table": name}
    assert fire(ada, forged, [(forged, True)]).status_code in (204, 400, 404, 422)
    assert ada.get("/api/v1/cohort").status_code == 404


def test_a_forged_store_is_only_the_forgers_own_data(ada: FlaskClient, ben: FlaskClient) -> None:
    ada.put("/api/v1/cohort", json=RECIPE)
    rev = {"store": MERGED, "rev": "1" * 32}
    theirs = {"store": MERGED, "rev": ada.get("/api/v1/cohort").json["result_id"]}
    for merged in (rev, theirs, {"result_id": theirs["rev"]}, theirs["rev"], f"SERVERSIDE_{theirs['rev']}"):
        assert grid(ben, GRID, merged).status_code in (404, 410, 422)
    assert ben.get("/api/v1/cohort").status_code == 404


def test_the_grid_gets_the_callers_rows_whatever_the_component_says(ada: FlaskClient, ben: FlaskClient) -> None:
    ada.put("/api/v1/cohort", json=RECIPE)
    ben.put("/api/v1/cohort", json={**RECIPE, "tables": ["people"], "filters": []})
    found = grid(ada, {**GRID, "sortModel": [{"colId": "c3", "sort": "desc"}]}).json["response"]
    (response,) = found.values()
    assert [row["c3"] for row in response["getRowsResponse"]["rowData"]] == [2, 1, None]
    (response,) = grid(ben, GRID).json["response"].values()
    assert response["getRowsResponse"]["rowCount"] == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"filterModel": {"c1": {"filterType": "number", "type": "equals", "filter": "1 OR 1=1"}}},
        {"filterModel": {"c1": {"filterType": "text", "type": "read_csv", "filter": "/etc/passwd"}}},
        {"filterModel": {"age); DROP": {"filterType": "text", "type": "equals", "filter": "x"}}},
        {"filterModel": {"c1": "x"}},
        {"filterModel": {"c1": {"operator": "AND", "conditions": [{}] * 1000}}},
        {"filterModel": [1]},
        {"filterModel": "x" * 10_000},
        {"sortModel": [{"colId": "nothing", "sort": "asc"}]},
        {"sortModel": [{"colId": ["c1"], "sort": "asc"}]},
        {"sortModel": [5]},
        {"sortModel": "age"},
        {"startRow": -1},
        {"startRow": "0"},
        {"endRow": None},
        {"endRow": 10**30},
        {"startRow": 10**30, "endRow": 10**31},
    ],
)
def test_an_impossible_grid_request_is_refused(ada: FlaskClient, changed: dict[str, Any]) -> None:
    ada.put("/api/v1/cohort", json=RECIPE)
    answer = grid(ada, {**GRID, **changed})
    assert answer.status_code in (200, 422)
    if answer.status_code == 200:
        (response,) = answer.json["response"].values()
        assert len(response["getRowsResponse"]["rowData"]) <= 3


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
@pytest.mark.parametrize("place", range(3))
def test_nonsense_in_a_store_never_breaks_the_page(ada: FlaskClient, value: Any, place: int) -> None:
    stores: list[Any] = [{"tables": ["people"]}, {"subject": "id"}, {"filters": []}]
    stores[place] = value
    assert fire(ada, AVAILABLE, *stores, output="data-summary-box").status_code < 500
    assert fire(ada, Data.MERGE, 1, *stores).status_code < 500
    assert fire(ada, MERGED, {"recipe": value, "inputs": value}, *stores, output="notice").status_code < 500
    assert fire(ada, FILTERS, stores[2], output="data-filters-list").status_code < 500
    assert fire(ada, AVAILABLE, stores[0], stores[1], output="data-keys-report").status_code < 500
    assert fire(ada, AVAILABLE, stores[0], stores[1], output="data-keys-subject").status_code < 500
    assert fire(ada, AVAILABLE, stores[0], output="data-columns-table").status_code < 500


@pytest.mark.parametrize("value", [*NONSENSE, None, -1, 1e308, "x" * 10_000, "2024-01-01", 10**30, "'; DROP"], ids=repr)
@pytest.mark.parametrize("part", PARTS)
def test_nonsense_typed_into_a_filter_leaves_it_possible(ada: FlaskClient, part: str, value: Any) -> None:
    ada.put("/api/v1/cohort", json=RECIPE)
    assert typed(ada, part, value).status_code < 500
    assert ada.get("/api/v1/cohort/count").status_code == 200


def typed(client: FlaskClient, part: str, value: Any, name: str = "f1") -> Any:
    """What a browser sends when somebody typed into a part of the filter's row."""
    entry = declared(client, Data.row("op", name), "data-filter-problem")
    shown = {part: value} | ({"high": 45} if part == "low" else {"low": 30} if part == "high" else {})
    values = [[(Data.row(held, name), shown[held])] if held in shown else [] for held in PARTS]
    body = {
        "output": entry["output"],
        "outputs": [out(held, [Data.row("problem", name)]) for held in entry["output"].strip(".").split("...")],
        "inputs": [spec(held, found) for held, found in zip(entry["inputs"], values, strict=True)],
        "state": [spec(held, None) for held in entry["state"]],
        "changedPropIds": [f"{text(Data.row(part, name))}.value"],
    }
    return client.post("/_dash-update-component", json=body)


def test_what_is_typed_becomes_the_filter(ada: FlaskClient) -> None:
    ada.put("/api/v1/cohort", json=RECIPE)
    typed(ada, "op", "ge")
    assert ada.get("/api/v1/cohort").json["filters"][0] == {"table": "people", "column": "age", "op": "ge", "value": 30}
    typed(ada, "one", 41)
    assert ada.get("/api/v1/cohort").json["filters"][0]["value"] == 41
    assert ada.get("/api/v1/cohort/count").json["participants"] == 2


def test_what_cannot_be_a_value_is_told_in_the_row_and_the_filter_stays(ada: FlaskClient) -> None:
    ada.put("/api/v1/cohort", json=RECIPE)
    answer = typed(ada, "low", "thirty").json["response"]
    assert answer == {text(Data.row("problem", "f1")): {"children": "The value must be a number."}}
    assert ada.get("/api/v1/cohort").json["filters"] == RECIPE["filters"]


def test_the_last_change_can_be_undone(ada: FlaskClient) -> None:
    ada.put("/api/v1/cohort", json=RECIPE)
    for value in (31, 32, 33):
        typed(ada, "op", "between") if value == 31 else typed(ada, "low", value)
    remove = Data.row("remove", "f1")
    fire(ada, remove, [(remove, 1)])
    for wanted in ([[33, 45]], [[30, 45]], []):
        assert fire(ada, Data.FILTERS_UNDO, 1).status_code == 200
        assert [item["value"] for item in ada.get("/api/v1/cohort").json["filters"]] == wanted


@pytest.mark.parametrize("name", ["f9", "", "../f1", 5, None, "x" * 10_000])
def test_a_forged_filter_id_touches_no_filter(ada: FlaskClient, name: Any) -> None:
    ada.put("/api/v1/cohort", json=RECIPE)
    forged = Data.row("remove", name)
    assert fire(ada, forged, [(forged, 1)]).status_code < 500
    assert len(ada.get("/api/v1/cohort").json["filters"]) == 1


@pytest.mark.parametrize(("table", "column"), [("nothing", "age"), ("people", "nothing"), (5, None), ("people", "a\0")])
def test_a_filter_on_nothing_is_refused(ada: FlaskClient, table: Any, column: Any) -> None:
    forged = Data.add_filter("search", table, column)
    assert fire(ada, forged, [(forged, 1)]).status_code in (400, 404, 422)


def test_filters_added_at_the_same_time_are_both_kept(ada: FlaskClient) -> None:
    """The second request was sent before the first was answered: its browser saw no filter yet."""
    ada.put("/api/v1/cohort", json={**RECIPE, "filters": []})
    for column in ("age", "sex"):
        button = Data.add_filter("search", "people", column)
        assert fire(ada, button, [(button, 1)], {"store": FILTERS, "rev": "old"}).status_code == 200
    assert [item["column"] for item in ada.get("/api/v1/cohort").json["filters"]] == ["age", "sex"]


def test_a_merge_that_would_be_too_large_says_so(tmp_path: Path, home: Path, server: flask.Flask) -> None:
    settings = Settings(home=tmp_path / "other", state=State(backend="memory"))
    data = DataSettings(directory=str(home / "study"), result_rows_max=2)
    client = caller(app.create_server(dataclasses.replace(settings, data=data)))
    answer = fire(client, Data.MERGE, 1, {"tables": ["people", "visits"]}, None, None)
    assert "The merge would have" in answer.json["response"][Data.RESULT_PROBLEM]["children"]
