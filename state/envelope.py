"""What a managed `dcc.Store` holds in the browser: a reference to the server's value, or the value itself.

    {"store": name, "rev": tag}     the value is on the server; a new rev makes Dash fire what depends on it
    {"store": name, "plain": value} the value itself, where it would else look like one of these two
    anything else                   the value itself

`name` must be the store's own, so a reference copied from another store is only data. A rev opens nothing:
the value is looked up under the owner of the session.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from errors import BadRequest
from state.keys import PART

SCALARS = (str, int, float, bool)


def reference(name: str, tag: str) -> dict[str, str]:
    return {"store": name, "rev": tag}


def plain(name: str, value: Any) -> Any:
    """`value` for the browser, wrapped if it would be taken for an envelope of this store."""
    looks_like_one = isinstance(value, dict) and value.get("store") == name and len(value) == 2
    return {"store": name, "plain": value} if looks_like_one else value


def is_reference(name: str, data: Any) -> bool:
    return isinstance(data, dict) and data.keys() == {"store", "rev"} and data["store"] == name


def unwrap(name: str, data: Any) -> Any:
    """The value that `plain` was given."""
    is_wrapped = isinstance(data, dict) and data.keys() == {"store", "plain"} and data["store"] == name
    return data["plain"] if is_wrapped else data


def store_name(component_id: str | dict[str, Any]) -> str:
    """The name of a component's store: its id, or for a pattern-matching id its type and a digest of all of it."""
    if isinstance(component_id, str):
        return component_id if PART.fullmatch(component_id) else f"id--{_digest(component_id)}"
    kind = component_id.get("type")
    prefix = kind if isinstance(kind, str) and PART.fullmatch(kind) and len(kind) <= 100 else "id"
    return f"{prefix}--{_digest(component_id)}"


def concrete_id(declared: dict[str, Any], received: Any, wildcards: tuple[Any, ...]) -> dict[str, Any]:
    """The id the browser names for a declared pattern. Only the wildcard parts are taken from the browser."""
    if not isinstance(received, dict) or received.keys() != declared.keys():
        raise BadRequest("The component id does not fit the callback.")
    result = {}
    for part, value in declared.items():
        is_wildcard = any(value is wildcard for wildcard in wildcards)
        result[part] = received[part] if is_wildcard else value
        if not isinstance(result[part], SCALARS) or result[part] != received[part]:
            raise BadRequest("The component id does not fit the callback.")
    return result


def _digest(component_id: Any) -> str:
    text = json.dumps(component_id, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
