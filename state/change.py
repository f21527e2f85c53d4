"""A change of a store, for callbacks that may run at the same time as others that write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """Returned in the place of a store's value: the store becomes `apply(what it holds then)`; no write is lost.

    `apply` gets None where there is no value, and may run more than once. `seen` is the value that the callback was
    given: a store that is kept in the browser becomes `apply(seen)`.
    """

    apply: Callable[[Any], Any]
    seen: Any = None
