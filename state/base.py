"""The contract of a backend: a mutable head (small) and an immutable body (bytes) per key.

Laws, checked for every backend by `tests/state/test_store_contract.py`:

- A tag is never used twice, so a compare by tag cannot be fooled by expiry or deletion (no ABA).
- `put`, `touch` and `delete` are atomic over all threads, processes and machines that share the backend.
- A body belongs to exactly one tag. An overwrite frees the old body.
- Nothing of one owner is ever seen, counted or deleted under another.
- An expired value is never returned. Its head stays known as expired for a while, so that the
  reader can be told "expired" and not "never set".
- A backend that does not answer raises StateUnavailable within about a second; it never guesses.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from state.keys import Key

Body = bytes | bytearray | memoryview | Any
"""Anything with the buffer protocol: bytes from a database, a memory-mapped Arrow buffer from a file."""

ANY = "*"
"""`expected` that every current state meets, also none."""
ABSENT = ""
"""`expected` that only a key without a live value meets."""

TOMBSTONE_SECONDS = 24 * 3600
"""How long an expired head is still known as expired."""


def new_tag() -> str:
    """A tag that was never used before (128 random bits, hex)."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a value without reading it. Times are milliseconds since 1970 by the backend's clock."""

    tag: str
    codec: str
    size: int
    ttl_ms: int
    expires_ms: int
    expired: bool = False
    age_ms: int = 0
    """Milliseconds of the TTL already used when the head was read."""


class Encoded(Protocol):
    """A value as bytes in waiting; see `state.codec`."""

    @property
    def codec(self) -> str: ...

    @property
    def size(self) -> int:
        """Bytes; an estimate from above until the value has been written."""
        ...

    def write(self, sink: BinaryIO) -> None: ...

    def tobytes(self) -> Body: ...


@dataclass(frozen=True, slots=True)
class Put:
    """The answer of `put`: did it happen, and which tag stands now (None: no live value).

    `mapped`: the body lies in a file that readers map, so keeping a second copy in memory would gain nothing.
    """

    done: bool
    current_tag: str | None
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class Stats:
    keys: int
    bytes: int


class Backend(Protocol):
    """Where heads and bodies are kept."""

    name: str
    shared: bool
    """Several processes see the same values."""
    durable: bool
    """Values outlive the processes."""

    def heads(self, keys: Sequence[Key]) -> list[Head | None]:
        """The heads in the order of `keys`, in one round trip. None: never set. `expired` heads are told."""
        ...

    def fetch(self, key: Key) -> tuple[Head, Body] | None:
        """Head and body that belong together; None when there is no live value."""
        ...

    def put(self, key: Key, tag: str, value: Encoded, ttl_ms: int, expected: str = ANY) -> Put:
        """Store `value` under `tag` (from `new_tag()`) if the live tag is `expected` (or ANY, ABSENT)."""
        ...

    def touch(self, key: Key, tag: str, ttl_ms: int) -> bool:
        """Start the time to live anew if the live tag is `tag`."""
        ...

    def delete(self, key: Key, expected: str = ANY) -> Put:
        """Forget the value and its tombstone if the live tag is `expected`. `done` is False for none to delete."""
        ...

    def list(self, owner: str, scope: str | None = None) -> list[tuple[Key, Head]]:
        """The live values of one owner, by key."""
        ...

    def purge(self, owner: str) -> int:
        """Delete everything of one owner; how many live values went."""
        ...

    def sweep(self) -> int:
        """Free what expired (bodies at once, heads after TOMBSTONE_SECONDS); how many values were freed."""
        ...

    def ping(self) -> None:
        """Return if the backend answers; else raise StateUnavailable."""
        ...

    def stats(self) -> Stats: ...

    def close(self) -> None: ...
