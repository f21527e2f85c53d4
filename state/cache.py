"""What this worker has decoded already, by (owner, scope, store, tag), bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

from state.keys import Key


class Cached(NamedTuple):
    codec: str
    value: Any
    """A decoded value, to be lent and never handed out itself; or the body, to be decoded anew for each reader."""
    decoded: bool
    size: int


class Cache:
    """The least recently used goes first. One tag per key: a newer value replaces the older at once."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[Key, tuple[str, Cached]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        return self._bytes

    def get(self, key: Key, tag: str) -> Cached | None:
        with self._lock:
            tag_of, cached = self._entries.get(key, (None, None))
            if tag_of != tag:
                return None
            self._entries.move_to_end(key)
            return cached

    def put(self, key: Key, tag: str, cached: Cached) -> None:
        with self._lock:
            self._drop(key)
            if cached.size > self._max:
                return
            self._entries[key] = (tag, cached)
            self._bytes += cached.size
            while self._bytes > self._max:
                self._drop(next(iter(self._entries)))

    def drop(self, key: Key) -> None:
        with self._lock:
            self._drop(key)

    def drop_owner(self, owner: str) -> None:
        with self._lock:
            for key in [key for key in self._entries if key.owner == owner]:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        _, cached = self._entries.pop(key, (None, None))
        if cached is not None:
            self._bytes -= cached.size
