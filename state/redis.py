"""The Redis backend: every verb one Lua script on keys that share the `{owner}` hash tag, as Redis Cluster needs.

    sr:{owner}:h:<scope>:<store>   hash: tag, previous tag, codec, size, ttl, expiry (ms, Redis' clock), small body
    sr:{owner}:b:<tag>             large body, written before its tag is known to anyone
    sr:{owner}:i                   set of <scope>:<store>, for list and purge

A repeated write (the reply of the first was lost) finds its own tag standing, or just replaced, and reports success.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import redis
from redis._parsers import Encoder
from redis.backoff import ExponentialWithJitterBackoff
from redis.connection import PythonRespSerializer
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.retry import Retry

from errors import SettingsError, StateTooLarge, StateUnavailable
from state.base import ANY, TOMBSTONE_SECONDS, Body, Encoded, Head, Put, Stats
from state.keys import Key
from state.scripts import DELETE, FETCH, HEADS, LIST, PURGE, PUT, TOUCH

log = logging.getLogger(__name__)
GRACE_MS = TOMBSTONE_SECONDS * 1000
UNCLAIMED_MS = 60_000
"""How long a large body waits for the head that names it before Redis drops it."""
LARGE_BYTES = 1 << 20
VALUE_MAX = 512 * 1024 * 1024


def connect(url: str, timeout: float = 0.5, connections: int = 64, **options: Any) -> redis.Redis:
    """A client that fails in about a second where redis-py's defaults would wait a minute."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=1,
        socket_timeout=timeout,
        socket_connect_timeout=0.3,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.2, base=0.02), 1),
        health_check_interval=15,
        **options,
    )
    return redis.Redis(connection_pool=pool)


WITHOUT_COPY = PythonRespSerializer(6000, Encoder("utf-8", "strict", False).encode)  # type: ignore[no-untyped-call]
"""Sends a large body as it stands; hiredis would first copy it into one string with the command."""


class RedisBackend:
    name = "redis"
    shared = True
    durable = True

    def __init__(self, url: str, inline_bytes: int = 64 * 1024, max_value_bytes: int = VALUE_MAX) -> None:
        self._client = connect(url)
        self._bulk = connect(url, timeout=15, connections=8, command_packer=WITHOUT_COPY)
        self._inline = inline_bytes
        self._max = min(max_value_bytes, VALUE_MAX)
        self._shas: dict[str, str] = {}

    def heads(self, keys: Sequence[Key]) -> list[Head | None]:
        found: dict[Key, Head | None] = {}
        for owner in dict.fromkeys(key.owner for key in keys):
            own = [key for key in keys if key.owner == owner]
            found.update(zip(own, map(_head, self._eval(HEADS, [_head_key(key) for key in own])), strict=True))
        return [found[key] for key in keys]

    def fetch(self, key: Key) -> tuple[Head, Body] | None:
        reply = self._eval(FETCH, [_head_key(key)], _bodies(key.owner))
        if not reply:
            return None
        if reply[5] is None:
            raise StateUnavailable(
                f"Redis has dropped the body of {key.store}. It must run with maxmemory-policy noeviction."
            )
        return _require(_head([*reply[:5], reply[6]])), reply[5]

    def put(self, key: Key, tag: str, value: Encoded, ttl_ms: int, expected: str = ANY) -> Put:
        if value.size > self._max:
            raise StateTooLarge(f"{key.store} has {value.size:,} bytes; {self._max:,} are allowed.")
        body = value.tobytes()
        body = bytes(body) if len(body) <= LARGE_BYTES else body
        large = len(body) > self._inline
        client = self._bulk if len(body) > LARGE_BYTES else self._client
        if large:
            self._call(client.set, _bodies(key.owner) + tag, body, px=UNCLAIMED_MS)
        keys = [_head_key(key), _index(key.owner)]
        arguments = [tag, expected, _bodies(key.owner), ttl_ms, value.codec, len(body), GRACE_MS, int(large)]
        done, current = self._eval(PUT, keys, *arguments, b"" if large else body, _member(key))
        if done == -1:
            raise StateUnavailable(f"Redis dropped the body of {key.store} while it was being written. Try again.")
        return Put(done == 1, current.decode() or None)

    def touch(self, key: Key, tag: str, ttl_ms: int) -> bool:
        keys = [_head_key(key), _index(key.owner)]
        return self._eval(TOUCH, keys, tag, _bodies(key.owner), ttl_ms, GRACE_MS) == 1

    def delete(self, key: Key, expected: str = ANY) -> Put:
        keys = [_head_key(key), _index(key.owner)]
        done, current = self._eval(DELETE, keys, expected, _bodies(key.owner), _member(key))
        return Put(done == 1, current.decode() or None)

    def list(self, owner: str, scope: str | None = None) -> list[tuple[Key, Head]]:
        rows = self._eval(LIST, [_index(owner)], _heads(owner))
        found = [(Key(owner, *row[6].decode().split(":")), _require(_head(row[:6]))) for row in rows]
        return sorted((pair for pair in found if scope in (None, pair[0].scope)), key=lambda pair: pair[0])

    def purge(self, owner: str) -> int:
        return int(self._eval(PURGE, [_index(owner)], _heads(owner), _bodies(owner)))

    def sweep(self) -> int:
        return 0  # Redis expires bodies and heads by itself

    def ping(self) -> None:
        self._call(self._client.ping)

    def stats(self) -> Stats:
        """Counted by a scan: for operators, not for every request."""
        keys = self._call(lambda: list(self._client.scan_iter("sr:{*}:h:*", count=1000)))
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.hmget(key, "n", "e")
        seconds, micros = self._call(self._client.time)
        now = seconds * 1000 + micros // 1000
        live = [int(size) for size, expires in self._call(pipeline.execute) if size and int(expires) > now]
        return Stats(len(live), sum(live))

    def refuse_eviction(self) -> None:
        """Raise SettingsError if this Redis may drop users' values when memory is short."""
        try:
            policy = self._client.config_get("maxmemory-policy").get("maxmemory-policy", "")
        except ResponseError:
            log.info("This Redis does not tell its maxmemory-policy; it must be noeviction.")
            return
        except RedisError as error:
            raise _unavailable() from error
        if policy != "noeviction":
            raise SettingsError(
                f"Redis has maxmemory-policy {policy}, which drops users' values. Set it to noeviction."
            )

    def close(self) -> None:
        self._client.connection_pool.disconnect()
        self._bulk.connection_pool.disconnect()

    def _eval(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        try:
            if script not in self._shas:
                self._shas[script] = self._client.script_load(script)
            return self._client.evalsha(self._shas[script], len(keys), *keys, *arguments)
        except NoScriptError:
            return self._call(self._client.eval, script, len(keys), *keys, *arguments)
        except RedisError as error:
            raise _unavailable() from error

    def _call(self, command: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except RedisError as error:
            raise _unavailable() from error


def _unavailable() -> StateUnavailable:
    return StateUnavailable("Redis does not answer. Nothing was changed as far as is known; try again in a moment.")


def _head_key(key: Key) -> str:
    return f"{_heads(key.owner)}{key.scope}:{key.store}"


def _heads(owner: str) -> str:
    return f"sr:{{{owner}}}:h:"


def _bodies(owner: str) -> str:
    return f"sr:{{{owner}}}:b:"


def _index(owner: str) -> str:
    return f"sr:{{{owner}}}:i"


def _member(key: Key) -> str:
    return f"{key.scope}:{key.store}"


def _head(row: Any) -> Head | None:
    """A head from [tag, codec, size, ttl, expires, now]."""
    if not row:
        return None
    size, ttl, expires, now = (int(n) for n in row[2:6])
    return Head(row[0].decode(), row[1].decode(), size, ttl, expires, expires <= now, ttl - (expires - now))


def _require(head: Head | None) -> Head:
    if head is None:
        raise StateUnavailable("Redis answered without a head.")
    return head
