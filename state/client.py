"""The client backend: values stay in the browser's `dcc.Store`, as in any Dash application. The server has no copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from errors import StateInBrowser
from state.base import ANY, Body, Encoded, Head, Put, Stats
from state.keys import Key


class ClientBackend:
    name = "client"
    shared = False
    durable = False

    def heads(self, keys: Sequence[Key]) -> list[Head | None]:
        _refuse(keys[0].store if keys else "This store")

    def fetch(self, key: Key) -> tuple[Head, Body] | None:
        _refuse(key.store)

    def put(self, key: Key, tag: str, value: Encoded, ttl_ms: int, expected: str = ANY) -> Put:
        _refuse(key.store)

    def touch(self, key: Key, tag: str, ttl_ms: int) -> bool:
        _refuse(key.store)

    def delete(self, key: Key, expected: str = ANY) -> Put:
        _refuse(key.store)

    def list(self, owner: str, scope: str | None = None) -> list[tuple[Key, Head]]:
        return []

    def purge(self, owner: str) -> int:
        return 0

    def sweep(self) -> int:
        return 0

    def ping(self) -> None:
        return

    def stats(self) -> Stats:
        return Stats(0, 0)

    def close(self) -> None:
        return


def _refuse(store: str) -> NoReturn:
    raise StateInBrowser(f"{store} is kept in the browser. Read it in a callback, or give it a server backend.")
