"""The JSON a request carries, read once for all: what cannot be read, or walked through, is the sender's fault."""

from __future__ import annotations

from typing import Any

from flask import request

from errors import BadRequest

LEVELS_MOST = 200
"""Lists and objects inside each other; a page's layout has some fifty. Python's own limit is 1000 calls."""
TOO_DEEP = "The JSON is nested too deeply."


def json_body() -> Any:
    """The body as JSON values. Raises BadRequest for none, for what is no JSON, and for JSON nested too deeply."""
    try:
        body = request.get_json()
    except RecursionError as error:
        raise BadRequest(TOO_DEEP) from error
    raw = request.get_data()
    if raw.count(b"[") + raw.count(b"{") > LEVELS_MOST and is_deeper(body, LEVELS_MOST):
        raise BadRequest(TOO_DEEP)
    return body


def is_deeper(value: Any, most: int) -> bool:
    """Whether there are more than `most` lists and objects inside each other."""
    level = [value]
    for _ in range(most + 1):
        parts = [part.values() if isinstance(part, dict) else part for part in level if isinstance(part, (dict, list))]
        if not parts:
            return False
        level = [child for part in parts for child in part]
    return True
