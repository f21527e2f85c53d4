"""JSON that cannot be read, or could not be handled by whoever walks through it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from api.bodies import LEVELS_MOST, is_deeper

CALLBACK = "/_dash-update-component"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        "[" * 900 + "]" * 900,
        '{"name":' + "[" * 300 + "]" * 300 + "}",
        "",
        "{",
        '{"name": "\udcff"}',
    ],
)
@pytest.mark.parametrize("path", [CALLBACK, "/api/v1/account", "/api/v1/cohort"])
def test_json_that_cannot_be_read_is_refused(one: FlaskClient, path: str, text: str) -> None:
    one.get("/")
    send = one.post if path == CALLBACK else one.put
    answer = send(path, data=text.encode("utf-8", "surrogateescape"), content_type="application/json")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"name": "\ud800"}',
        rb'{"name": "\uDFFF\uD800"}',
        rb'{"name": "Ada", "\udabc": 1}',
        b'{"name": "\xed\xa0\x80"}',
        r'{"name": "\ud800"}'.encode("utf-16"),
        '{"name": "\ud800"}'.encode("utf-16", "surrogatepass"),
    ],
)
@pytest.mark.parametrize("path", [CALLBACK, "/api/v1/account", "/api/v1/cohort"])
def test_half_a_character_is_refused(one: FlaskClient, path: str, raw: bytes) -> None:
    one.get("/")
    send = one.post if path == CALLBACK else one.put
    assert send(path, data=raw, content_type="application/json").status_code == 400


def test_a_whole_character_may_be_written_in_two_halves(one: FlaskClient) -> None:
    text = r'{"name": "Ada \ud83d\ude00 \\ud800"}'
    answer = one.put("/api/v1/account", data=text, content_type="application/json")
    assert answer.json == {"name": "Ada \N{GRINNING FACE} \\ud800"}


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": 1, "b": value}])
def test_depth_is_told_exactly(wrap) -> None:
    value = 1
    for level in range(2 * LEVELS_MOST):
        assert is_deeper(value, LEVELS_MOST) is (level > LEVELS_MOST)
        value = wrap(value)
