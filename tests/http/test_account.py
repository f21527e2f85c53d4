"""Two test clients are two people."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

NAME = "/api/v1/account"


def test_everybody_gets_a_friendly_name(one: FlaskClient) -> None:
    first = one.get(NAME).json
    assert list(first) == ["name"]
    assert len(first["name"].split()) == 2
    assert one.get(NAME).json == first


def test_a_changed_name_is_seen_by_nobody_else(one: FlaskClient, two: FlaskClient) -> None:
    two_before = two.get(NAME).json
    assert one.put(NAME, json={"name": "  Ada Lovelace "}).json == {"name": "Ada Lovelace"}
    assert one.get(NAME).json == {"name": "Ada Lovelace"}
    assert two.get(NAME).json == two_before


def test_one_does_not_get_the_others_cookie_by_naming_it(one: FlaskClient, two: FlaskClient) -> None:
    one.put(NAME, json={"name": "Ada"})
    assert two.get(f"{NAME}?sid={one.get_cookie('sid').value}").json != {"name": "Ada"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\nb", "a\x00b", "a\u202eb", 7, None, ["a"]])
def test_a_name_that_is_none_is_refused(one: FlaskClient, name: object) -> None:
    answer = one.put(NAME, json={"name": name})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.json["field"] == "name"


@pytest.mark.parametrize("body", [[], "x", {}, 3])
def test_a_body_of_another_shape_is_refused(one: FlaskClient, body: object) -> None:
    assert one.put(NAME, json=body).status_code == 422


def test_markup_in_a_name_stays_text(one: FlaskClient) -> None:
    name = "<img src=x onerror=alert(1)>"
    answer = one.put(NAME, json={"name": name})
    assert (answer.json, answer.mimetype) == ({"name": name}, "application/json")
    assert name not in one.get("/").text


def test_the_user_id_is_never_sent(one: FlaskClient) -> None:
    with one:
        one.get(NAME)
        from flask import session

        user = session["user_id"]
    assert user.startswith("u_")
    for path in ("/", NAME, "/_dash-layout", "/_dash-dependencies"):
        assert user not in one.get(path).text
