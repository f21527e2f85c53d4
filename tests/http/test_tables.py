"""`/api/v1/tables`: what the installation's folder holds, and what could not be read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import app
from settings import Data, Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "people.csv").write_text("id,age,sex\n1,30,F\n2,,M\n3,41,F\n")
    (folder / "people.json").write_text('{"age": {"Description": "Age", "Units": "years"}}')
    (folder / "broken.csv").write_text("a,b\n1,2\n1,2,3\n")
    return folder


@pytest.fixture
def client(settings: Settings, folder: Path) -> FlaskClient:
    return app.create_server(dataclasses.replace(settings, data=Data(directory=str(folder)))).test_client()


def test_tables_tell_what_they_hold(client: FlaskClient) -> None:
    (table,) = client.get("/api/v1/tables").json["tables"]
    assert (table["name"], table["rows"], table["owner"], table["source"]) == ("people", 3, None, "people.csv")
    age = {"name": "age", "type": "integer", "label": "Age [years]", "missing": 1, "min": 30, "max": 41, "levels": {}}
    assert table["columns"][1] == age
    assert table["columns"][2]["levels"] == {"F": "F", "M": "M"}
    assert client.get("/api/v1/tables/people").json == table


def test_a_bad_file_is_named_with_its_row_beside_the_good_ones(client: FlaskClient) -> None:
    (refused,) = client.get("/api/v1/tables").json["refused"]
    assert refused["filename"] == "broken.csv"
    assert refused["row"] == 3
    assert refused["reason"]


def test_a_new_file_is_seen_at_once(client: FlaskClient, folder: Path) -> None:
    client.get("/api/v1/tables")
    (folder / "more.tsv").write_text("id\tx\n1\t2\n")
    assert [table["name"] for table in client.get("/api/v1/tables").json["tables"]] == ["more", "people"]


@pytest.mark.parametrize("name", ["nothing", "people.csv", "../people", "%00", "people%00", "x" * 10_000, "'; DROP--"])
def test_another_name_is_not_found(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/api/v1/tables/{name}")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
