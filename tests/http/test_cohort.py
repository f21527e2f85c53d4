"""`/api/v1/cohort`: counts, rows and files equal pandas; nobody sees another's; nonsense is refused by name."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pandas as pd
import pytest
from flask.testing import FlaskClient

import app
from domain.data.selection import STORES
from settings import Data, Settings, State
from ui.ids import Stores

MISSING = ["", "n/a", "N/A", "NA", "NaN", "nan", "NULL", "null"]
Serve = Callable[[Path], flask.Flask]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """A server on a folder of tables; each folder is read once in a test session."""
    made: dict[Path, flask.Flask] = {}

    def on(folder: Path) -> flask.Flask:
        if folder not in made:
            home = tmp_path_factory.mktemp("home")
            made[folder] = app.create_server(
                Settings(home=home, state=State(backend="memory"), data=Data(directory=str(folder)))
            )
        return made[folder]

    return on


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "people.csv").write_text("id,age,sex\na,30,F\nb,,M\nc,41,F\nd,52,M\n")
    (folder / "visits.csv").write_text("id,score\na,1\na,2\nc,\ne,5\n")
    return folder


@pytest.fixture
def two(serve: Serve, study: Path) -> tuple[FlaskClient, FlaskClient]:
    return serve(study).test_client(), serve(study).test_client()


@pytest.fixture
def client(two: tuple[FlaskClient, FlaskClient]) -> FlaskClient:
    return two[0]


def recipe(**parts: Any) -> dict[str, Any]:
    filters = [{"table": "people", "column": "age", "op": "between", "value": [30, 45]}]
    made = {"tables": ["people", "visits"], "keys": {"subject": "id"}, "base": "people", "how": "left"}
    return {**made, "filters": filters, "columns": {}, **parts}


def put(client: FlaskClient, document: Any) -> Any:
    answer = client.put("/api/v1/cohort", json=document)
    assert answer.status_code == 200, answer.json
    return answer.json


def exported(client: FlaskClient) -> pd.DataFrame:
    answer = client.get("/api/v1/cohort/export?format=csv")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    return pd.read_csv(io.BytesIO(answer.data), keep_default_na=False, na_values=MISSING)


def read(path: Path) -> pd.DataFrame:
    separator = "\t" if path.suffix == ".tsv" else ","
    return pd.read_csv(path, sep=separator, keep_default_na=False, na_values=MISSING)


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, wanted.reset_index(drop=True), check_dtype=False)


def test_page_and_api_name_the_same_stores() -> None:
    assert Stores.ALL == STORES


def test_a_recipe_is_kept_counted_shown_and_exported(client: FlaskClient) -> None:
    document = recipe()
    result_id = put(client, document)["result_id"]
    kept = client.get("/api/v1/cohort").json
    assert {part: kept[part] for part in document} == document
    assert (kept["result_id"], kept["stale"], set(kept["inputs"])) == (result_id, False, {"people", "visits"})
    step = {"filter": document["filters"][0], "remaining": 2, "failed": 1, "missing": 1}
    assert client.get("/api/v1/cohort/count").json == {"participants": 2, "rows": 3, "steps": [step]}
    rows = client.get("/api/v1/cohort/rows?offset=1&limit=1&sort=-score").json
    assert rows == {"rows": [{"id": "a", "age": 30, "sex": "F", "score": 1}], "total": 3}
    same(
        exported(client),
        pd.DataFrame({"id": list("aac"), "age": [30, 30, 41], "sex": list("FFF"), "score": [1, 2, None]}),
    )


def test_another_caller_sees_nothing_of_it(two: tuple[FlaskClient, FlaskClient]) -> None:
    one, other = two
    put(one, recipe())
    for path in ("", "/count", "/rows", "/export"):
        answer = other.get(f"/api/v1/cohort{path}")
        assert (answer.status_code, answer.json["type"]) == (404, "not-found")
    put(other, recipe(filters=[], tables=["people"]))
    assert one.get("/api/v1/cohort/count").json["participants"] == 2
    assert other.get("/api/v1/cohort/count").json["participants"] == 4


def test_a_changed_file_makes_the_result_stale(serve: Serve, study: Path, tmp_path: Path) -> None:
    for file in study.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    client = serve(tmp_path).test_client()
    before = put(client, recipe())["result_id"]
    (tmp_path / "people.csv").write_text("id,age,sex\na,31,F\n")
    kept = client.get("/api/v1/cohort").json
    assert kept["stale"] is True
    assert kept["result_id"] != before
    assert client.get("/api/v1/cohort/count").json["participants"] == 1
    (tmp_path / "visits.csv").unlink()
    assert client.get("/api/v1/cohort/rows").status_code in (404, 422)


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"tables": []}, "tables"),
        ({"tables": "people"}, "tables"),
        ({"tables": ["people", "nothing"]}, "tables/1"),
        ({"tables": ["../people"]}, "tables/0"),
        ({"tables": ["people\0"]}, "tables/0"),
        ({"tables": ["x" * 10_000]}, "tables/0"),
        ({"tables": [["people"]]}, "tables/0"),
        ({"keys": {}}, "keys/subject"),
        ({"keys": {"subject": "id; DROP TABLE people"}}, "keys/subject"),
        ({"keys": {"subject": ["id"]}}, "keys/subject"),
        ({"keys": {"subject": "id", "session": "when"}}, "keys/session"),
        ({"keys": None}, "keys"),
        ({"base": "nothing"}, "base"),
        ({"base": ["people"]}, "base"),
        ({"how": "cross"}, "how"),
        ({"how": {}}, "how"),
        ({"filters": {}}, "filters"),
        ({"filters": [1]}, "filters/0"),
        ({"filters": [{"table": "people", "column": "age", "op": "between", "value": ["1", "2"]}]}, "filters/0/value"),
        ({"filters": [{"table": "people", "column": "age", "op": "eq", "value": "1 OR 1=1"}]}, "filters/0/value"),
        ({"filters": [{"table": "people", "column": "age", "op": "eq", "value": 10**400}]}, "filters/0/value"),
        ({"filters": [{"table": "people", "column": "sex", "op": "eq", "value": "x" * 10_001}]}, "filters/0/value"),
        ({"filters": [{"table": "people", "column": 'age" OR', "op": "eq", "value": 1}]}, "filters/0/column"),
        ({"filters": [{"table": "people", "column": "age", "op": "like", "value": 1}]}, "filters/0/op"),
        ({"columns": {"people": ["nothing"]}}, "columns/people"),
        ({"columns": []}, "columns"),
        ({"wide": True}, "wide"),
        ({"notes": 5}, "notes"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(client: FlaskClient, changed: dict[str, Any], part: str) -> None:
    before = put(client, recipe())
    answer = client.put("/api/v1/cohort", json=recipe(**changed))
    assert (answer.status_code, answer.json["part"]) == (422, part)
    assert client.get("/api/v1/cohort").json["result_id"] == before["result_id"]


@pytest.mark.parametrize("body", ["", "{", "[]", "5", "null", '"x"', "[" * 100_000, '{"tables": NaN}', "\x00"])
def test_a_body_that_is_no_recipe_is_refused(client: FlaskClient, body: str) -> None:
    answer = client.put("/api/v1/cohort", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE t0; --", "read_csv('/etc/passwd')", "\0", "x" * 10_000, "%", "=1+1", "\ud800"]
)
def test_a_text_is_only_compared(client: FlaskClient, value: str) -> None:
    filters = [{"table": "people", "column": "sex", "op": "ne", "value": value}]
    answer = client.put("/api/v1/cohort", json=recipe(filters=filters))
    assert answer.status_code == (400 if value == "\ud800" else 200)
    if answer.status_code == 200:
        assert client.get("/api/v1/cohort/count").json["participants"] == 4


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("rows?limit=-1", "limit"),
        ("rows?offset=x", "offset"),
        ("rows?offset=1e3", "offset"),
        ("rows?limit=" + "9" * 500, "limit"),
        ("rows?sort=nothing", "sort"),
        ("rows?sort=age;DROP", "sort"),
        ("rows?sort=-", "sort"),
        ("export?format=exe", "format"),
        ("export?format=" + "x" * 5_000, "format"),
    ],
)
def test_an_impossible_query_is_named(client: FlaskClient, query: str, part: str) -> None:
    put(client, recipe())
    answer = client.get(f"/api/v1/cohort/{query}")
    assert (answer.status_code, answer.json["part"]) == (422, part)


def test_a_page_beyond_the_end_is_empty_and_a_huge_one_is_cut(client: FlaskClient) -> None:
    put(client, recipe())
    assert client.get("/api/v1/cohort/rows?offset=999999999999").json == {"rows": [], "total": 3}
    assert len(client.get("/api/v1/cohort/rows?limit=999999999").json["rows"]) == 3


def test_a_foreign_origin_changes_nothing(client: FlaskClient) -> None:
    put(client, recipe())
    answer = client.put("/api/v1/cohort", json=recipe(filters=[]), headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert client.get("/api/v1/cohort").json["filters"] == recipe()["filters"]


def test_formulas_are_defused_in_the_file(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text('id,"=cmd()"\na,=1+1\nb,-3\n')
    client = serve(tmp_path).test_client()
    put(client, {"tables": ["people"], "keys": {"subject": "id"}})
    lines = client.get("/api/v1/cohort/export").text.splitlines()
    assert lines == ["id,'=cmd()", "a,'=1+1", "b,'-3"]


def test_ucla_equals_pandas(serve: Serve, research: Path) -> None:
    folder = research / "ds000030_ucla_cnp"
    client = serve(folder).test_client()
    filters = [
        {"table": "participants", "column": "age", "op": "between", "value": [25, 45]},
        {"table": "participants", "column": "diagnosis", "op": "in", "value": ["CONTROL", "ADHD"]},
        {"table": "demographics", "column": "school_yrs", "op": "ge", "value": 14},
        {"table": "participants", "column": "bart", "op": "not_missing"},
    ]
    tables = ["participants", "demographics", "barratt"]
    put(client, {"tables": tables, "keys": {"subject": "participant_id"}, "base": tables[0], "filters": filters})
    frames = [read(folder / "participants.tsv"), *(read(folder / "phenotype" / f"{name}.tsv") for name in tables[1:])]
    frames[1] = frames[1].rename(columns={name: f"{name}__demographics" for name in ("age", "gender")})
    merged = (
        frames[0].merge(frames[1], on="participant_id", how="left").merge(frames[2], on="participant_id", how="left")
    )
    conditions = [
        (merged.age.between(25, 45), merged.age),
        (merged.diagnosis.isin(["CONTROL", "ADHD"]), merged.diagnosis),
        (merged.school_yrs >= 14, merged.school_yrs),
        (merged.bart.notna(), merged.bart),
    ]
    count, kept = client.get("/api/v1/cohort/count").json, merged
    for step, (passes, values) in zip(count["steps"], conditions, strict=True):
        missing, kept = values[kept.index].isna().sum(), kept[passes[kept.index]]
        assert (step["remaining"], step["missing"]) == (len(kept), missing)
    assert (count["participants"], count["rows"]) == (len(kept), len(kept))
    same(exported(client), kept)
    rows = client.get("/api/v1/cohort/rows?limit=5&sort=-age,participant_id").json["rows"]
    wanted = kept.sort_values(["age", "participant_id"], ascending=[False, True]).head(5)
    assert [row["participant_id"] for row in rows] == list(wanted.participant_id)


def test_nhanes_medicines_repeat_their_person(serve: Serve, research: Path) -> None:
    folder = research / "nhanes_2013_2014"
    client = serve(folder).test_client()
    tables = ["demographic", "medications"]
    filters = [{"table": "demographic", "column": "RIDAGEYR", "op": "ge", "value": 60}]
    put(
        client,
        {"tables": tables, "keys": {"subject": "SEQN"}, "base": "demographic", "how": "inner", "filters": filters},
    )
    people, medicines = (read(folder / f"{name}.csv") for name in tables)
    merged = people.merge(medicines, on="SEQN", suffixes=("", "__medications"))
    old = merged[merged.RIDAGEYR >= 60]
    count = client.get("/api/v1/cohort/count").json
    assert (count["participants"], count["rows"]) == (old.SEQN.nunique(), len(old))
    found = exported(client)
    assert list(found.columns) == list(old.columns)
    order = ["SEQN", "RXDDRUG", "RXDDRGID", "RXDDAYS", "RXDRSC1"]
    same(found.sort_values(order)[order].reset_index(drop=True), old.sort_values(order)[order])


def test_penguins_whose_ids_repeat_are_counted_once(serve: Serve, research: Path) -> None:
    folder = research / "palmerpenguins"
    client = serve(folder).test_client()
    filters = [
        {"table": "penguins_raw", "column": "Sex", "op": "eq", "value": "FEMALE"},
        {"table": "penguins_raw", "column": "Body Mass (g)", "op": "lt", "value": 3500},
    ]
    put(client, {"tables": ["penguins_raw"], "keys": {"subject": "Individual ID"}, "filters": filters})
    raw = read(folder / "penguins_raw.csv")
    light = raw[(raw.Sex == "FEMALE") & (raw["Body Mass (g)"] < 3500)]
    count = client.get("/api/v1/cohort/count").json
    assert (count["participants"], count["rows"]) == (light["Individual ID"].nunique(), len(light))
    same(exported(client)[["Individual ID", "Date Egg"]], light[["Individual ID", "Date Egg"]])
