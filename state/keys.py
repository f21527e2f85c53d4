"""Keys: whose value, in which scope, under which name. Made here and nowhere else."""

from __future__ import annotations

import re
from typing import NamedTuple

from errors import BadKey

PART = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)


class Key(NamedTuple):
    """(owner, scope, store); each part is letters, digits, `_`, `-`, so a joined key has one reading."""

    owner: str
    scope: str
    store: str

    def __str__(self) -> str:
        return f"{self.owner}:{self.scope}:{self.store}"


def make_key(owner: str, store: str, scope: str = "user") -> Key:
    """A checked key. Raises BadKey for a part that is empty, too long, or has any other character."""
    for name, part in (("owner", owner), ("scope", scope), ("store", store)):
        if not isinstance(part, str) or not PART.fullmatch(part):
            shown = part[:40] if isinstance(part, str) else type(part).__name__
            raise BadKey(f"{shown!r} cannot be the {name} of a value: use letters, digits, _ and - (at most 200).")
    return Key(owner, scope, store)
