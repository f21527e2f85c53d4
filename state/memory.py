"""The memory backend: one process, one lock, gone with the process. For tests and for trying things out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from errors import StateTooLarge
from state.base import ABSENT, ANY, TOMBSTONE_SECONDS, Body, Encoded, Head, Put, Stats
from state.keys import Key

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Entry:
    head: Head
    body: Body


class MemoryBackend:
    name = "memory"
    shared = False
    durable = False

    def __init__(self, clock: Callable[[], float] = time.time, max_value_bytes: int = 1 << 30) -> None:
        self._entries: dict[Key, Entry] = {}
        self._lock = threading.Lock()
        self._clock = clock
        self._max = max_value_bytes
        log.warning(
            "State is kept in the memory of this one process: use it with one worker, and expect it to be lost."
        )

    def heads(self, keys: Sequence[Key]) -> list[Head | None]:
        with self._lock:
            return [self._head(key) for key in keys]

    def fetch(self, key: Key) -> tuple[Head, Body] | None:
        with self._lock:
            head = self._head(key)
            return None if head is None or head.expired else (head, self._entries[key].body)

    def put(self, key: Key, tag: str, value: Encoded, ttl_ms: int, expected: str = ANY) -> Put:
        body = value.tobytes()
        if len(body) > self._max:
            raise StateTooLarge(f"{key.store} has {len(body):,} bytes; {self._max:,} are allowed.")
        with self._lock:
            current = self._live_tag(key)
            if not meets(current, expected):
                return Put(False, current)
            head = Head(tag, value.codec, len(body), ttl_ms, self._now() + ttl_ms)
            self._entries[key] = Entry(head, body)
            return Put(True, tag)

    def touch(self, key: Key, tag: str, ttl_ms: int) -> bool:
        with self._lock:
            if self._live_tag(key) != tag:
                return False
            entry = self._entries[key]
            entry.head = replace(entry.head, ttl_ms=ttl_ms, expires_ms=self._now() + ttl_ms)
            return True

    def delete(self, key: Key, expected: str = ANY) -> Put:
        with self._lock:
            current = self._live_tag(key)
            if not meets(current, expected):
                return Put(False, current)
            self._entries.pop(key, None)
            return Put(current is not None, None)

    def list(self, owner: str, scope: str | None = None) -> list[tuple[Key, Head]]:
        with self._lock:
            keys = sorted(k for k in self._entries if k.owner == owner and scope in (None, k.scope))
            heads = [(key, self._head(key)) for key in keys]
        return [(key, head) for key, head in heads if head and not head.expired]

    def purge(self, owner: str) -> int:
        with self._lock:
            keys = [key for key in self._entries if key.owner == owner]
            live = sum(self._live_tag(key) is not None for key in keys)
            for key in keys:
                del self._entries[key]
            return live

    def sweep(self) -> int:
        with self._lock:
            now, freed = self._now(), 0
            for key, entry in list(self._entries.items()):
                if entry.head.expires_ms > now:
                    continue
                freed += bool(entry.body)
                entry.body = b""
                if entry.head.expires_ms + TOMBSTONE_SECONDS * 1000 <= now:
                    del self._entries[key]
            return freed

    def ping(self) -> None:
        return

    def stats(self) -> Stats:
        with self._lock:
            live = [e for k, e in self._entries.items() if self._live_tag(k) is not None]
            return Stats(len(live), sum(e.head.size for e in live))

    def close(self) -> None:
        self._entries.clear()

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _head(self, key: Key) -> Head | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        left = entry.head.expires_ms - self._now()
        return replace(entry.head, expired=left <= 0, age_ms=entry.head.ttl_ms - left)

    def _live_tag(self, key: Key) -> str | None:
        head = self._head(key)
        return None if head is None or head.expired else head.tag


def meets(current: str | None, expected: str) -> bool:
    """Whether the live tag (None: no live value) is what the caller expected."""
    if expected == ANY:
        return True
    return current is None if expected == ABSENT else current == expected
