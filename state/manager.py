"""StateManager: values by name, for the current user, in whichever backend is configured."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from errors import StateConflict, StateExpired, StateMissing, StateUnavailable
from state import user
from state.base import ABSENT, ANY, Backend, Head, new_tag
from state.cache import Cache, Cached
from state.codec import decode, encode, is_shareable, lend
from state.keys import Key, make_key
from state.sweep import Sweep

log = logging.getLogger(__name__)
CACHE_BYTES = 256 * 1024 * 1024
UPDATE_SECONDS = 10.0


class Missing:
    """The one value that says "there is no value"; false, and never equal to None."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Ref:
    """A stored value without the value: its store, its tag, its size in bytes."""

    store: str
    tag: str
    size: int


@dataclass(frozen=True, slots=True)
class Store:
    """How one store is kept. `mode`: `server`, or `client` for the browser; `ttl` in seconds (None: the default)."""

    mode: str = "server"
    ttl: float | None = None


class StateManager:
    """Reads and writes the current user's values. Safe to share between threads."""

    def __init__(
        self,
        backend: Backend,
        ttl_default: float = 3600,
        stores: Mapping[str, Store] | None = None,
        cache_bytes: int = CACHE_BYTES,
        user_isolation: bool = True,
        sweep_seconds: float = 300,
    ) -> None:
        """`ttl_default` in seconds. Every `sweep_seconds`, a write also frees what has expired.

        Without `user_isolation` all users share one state, on purpose.
        """
        self.backend = backend
        self.cache = Cache(cache_bytes)
        self._ttl = ttl_default
        self._stores = dict(stores or {})
        self._isolated = user_isolation
        self._sweep = Sweep(backend, sweep_seconds)

    def user_context(self, user_id: str) -> AbstractContextManager[None]:
        """Act for `user_id` inside the block; for tests, jobs and scripts. Requests set their user themselves."""
        return user.user_context(user_id)

    def set_user_context(self, user_id: str) -> None:
        """Act for `user_id` for the rest of the request, or of this thread's or task's context."""
        user.set_user_context(user_id)

    def set_store_data(self, store: str, value: Any, ttl: float | None = None, expected_tag: str | None = None) -> Ref:
        """Keep `value` (JSON values, tables, arrays, bytes, dates). `ttl` in seconds.

        With `expected_tag` (from a Ref; `""` for "no value yet") only if that is still the tag: else StateConflict.
        Raises StateUnsupported for a value that cannot be kept exactly, StateTooLarge, StateUnavailable.
        """
        key, tag, encoded = self._key(store), new_tag(), encode(value)
        expected = ANY if expected_tag is None else expected_tag
        put = self.backend.put(key, tag, encoded, self._ttl_ms(store, ttl), expected)
        if not put.done:
            raise StateConflict(f"{store} has changed since it was read.", store=store, current_tag=put.current_tag)
        self._sweep.start_if_due()
        self.cache.drop(key)
        if not put.mapped:
            self._keep(key, tag, Cached(encoded.codec, encoded.tobytes(), False, encoded.size))
        return Ref(store, tag, encoded.size)

    def get_store_data(self, store: str, default: Any = None) -> Any:
        """The value, or `default` if there is none (never set or expired; `read` tells the two apart)."""
        try:
            return self.read(store)[0]
        except StateMissing:
            return default

    def read(self, store: str) -> tuple[Any, Ref]:
        """The value and its Ref. Raises StateMissing (never set) or StateExpired."""
        key = self._key(store)
        (head,) = self.backend.heads([key])
        return self._value(key, head)

    def read_many(self, stores: Sequence[str]) -> dict[str, Any]:
        """The values by store, MISSING where there is none; the heads come in one round trip."""
        keys = [self._key(store) for store in stores]
        found: dict[str, Any] = {}
        for key, head in zip(keys, self.backend.heads(keys), strict=True) if keys else ():
            try:
                found[key.store] = self._value(key, head)[0]
            except StateMissing:
                found[key.store] = MISSING
        return found

    def get_ref(self, store: str) -> Ref:
        """The Ref of the value, without reading it. Raises StateMissing or StateExpired."""
        key = self._key(store)
        (head,) = self.backend.heads([key])
        live = _live(key, head)
        return Ref(store, live.tag, live.size)

    def update(self, store: str, fn: Callable[[Any], Any], default: Any = None, ttl: float | None = None) -> Ref:
        """Replace the value by `fn(value)` without losing a concurrent write; `fn` may run more than once.

        `fn` gets `default` if there is no value. Raises StateConflict if others keep changing it for 10 seconds.
        """
        deadline = time.monotonic() + UPDATE_SECONDS
        while True:
            try:
                value, ref = self.read(store)
                expected = ref.tag
            except StateMissing:
                value, expected = default, ABSENT
            try:
                return self.set_store_data(store, fn(value), ttl, expected)
            except StateConflict:
                if time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0, 0.01))  # noqa: S311

    def delete(self, store: str, expected_tag: str | None = None) -> bool:
        """Forget the value; whether there was one. With `expected_tag`: StateConflict if it is another one by now."""
        key = self._key(store)
        answer = self.backend.delete(key, ANY if expected_tag is None else expected_tag)
        self.cache.drop(key)
        if not answer.done and answer.current_tag is not None:
            raise StateConflict(f"{store} has changed since it was read.", store=store, current_tag=answer.current_tag)
        return answer.done

    def list(self) -> list[Ref]:
        """The current user's live values, by name."""
        heads = self.backend.list(self._owner(), "user")
        return [Ref(key.store, head.tag, head.size) for key, head in heads]

    def purge(self) -> int:
        """Delete all state of the current user; how many values went."""
        owner = self._owner()
        gone = self.backend.purge(owner)
        self.cache.drop_owner(owner)
        return gone

    def _owner(self) -> str:
        return user.current_user() if self._isolated else user.EVERYONE

    def _key(self, store: str) -> Key:
        return make_key(self._owner(), store)

    def _ttl_ms(self, store: str, ttl: float | None) -> int:
        seconds = ttl if ttl is not None else self._stores.get(store, Store()).ttl
        return max(1, round((self._ttl if seconds is None else seconds) * 1000))

    def _value(self, key: Key, head: Head | None) -> tuple[Any, Ref]:
        live = _live(key, head)
        cached = self.cache.get(key, live.tag)
        if cached is None:
            live, cached = self._fetch(key)
        if live.age_ms * 10 > live.ttl_ms:
            self._slide(key, live)
        return self._hand_out(key, live.tag, cached), Ref(key.store, live.tag, live.size)

    def _fetch(self, key: Key) -> tuple[Head, Cached]:
        """The current value into the cache; it may be newer than the head that was looked at."""
        found = self.backend.fetch(key)
        if found is None:
            raise _missing(key, expired=False)
        head, body = found
        return head, self._keep(key, head.tag, Cached(head.codec, body, False, head.size))

    def _keep(self, key: Key, tag: str, cached: Cached) -> Cached:
        self.cache.put(key, tag, cached)
        return cached

    def _hand_out(self, key: Key, tag: str, cached: Cached) -> Any:
        """The value for one reader. A body is decoded at its first reading, for all readers where they can share it."""
        value = cached.value if cached.decoded else decode(cached.codec, cached.value)
        if not cached.decoded and is_shareable(cached.codec, value):
            self._keep(key, tag, cached._replace(value=value, decoded=True))
        return lend(cached.codec, value, until_released=user.keep_alive(value))

    def _slide(self, key: Key, head: Head) -> None:
        try:
            self.backend.touch(key, head.tag, head.ttl_ms)
        except StateUnavailable:
            log.warning("The time to live of %s could not be renewed.", key.store)


def _live(key: Key, head: Head | None) -> Head:
    if head is None or head.expired:
        raise _missing(key, expired=head is not None)
    return head


def _missing(key: Key, expired: bool) -> StateMissing:
    if expired:
        return StateExpired(f"{key.store} has expired. Open it again.", store=key.store)
    return StateMissing(f"{key.store} has not been set.", store=key.store)
