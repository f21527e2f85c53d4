"""The JSON a request carries, read once for all: what cannot be read, or walked through, is the sender's fault."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import request

from errors import BadRequest

LEVELS_MOST = 200
"""Lists and objects inside each other; a page's layout has some fifty. Python's own limit is 1000 calls."""
SUSPECT = re.compile(rb"\\\0*u|[\x80-\xff]")
"""Where there may be half a character: a \\u, in an encoding with zeros too, or what is not ASCII."""
TOO_DEEP = "The JSON is nested too deeply."


def json_body() -> Any:
    """The body as JSON values. Raises BadRequest for what is none, too deep, or has half a character in it."""
    try:
        body = request.get_json()
    except RecursionError as error:
        raise BadRequest(TOO_DEEP) from error
    raw = request.get_data()
    if raw.count(b"[") + raw.count(b"{") > LEVELS_MOST and is_deeper(body, LEVELS_MOST):
        raise BadRequest(TOO_DEEP)
    if SUSPECT.search(raw):
        check_text(body)
    return body


def check_text(body: Any) -> None:
    """Refuse half a character: JSON can name one (`\\ud800`), but nothing can send it back or keep it."""
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadRequest("The JSON has a text with half a character in it.") from error


def is_deeper(value: Any, most: int) -> bool:
    """Whether there are more than `most` lists and objects inside each other."""
    level = [value]
    for _ in range(most + 1):
        parts = [part.values() if isinstance(part, dict) else part for part in level if isinstance(part, (dict, list))]
        if not parts:
            return False
        level = [child for part in parts for child in part]
    return True
