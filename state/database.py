"""The database backend: SQLite (one machine) and PostgreSQL. Each verb is one conditional statement.

Times are the database's clock on PostgreSQL and this machine's on SQLite. A replaced row remembers the tag it replaced
(`replaced`), so that the same statement that wins also says which old body to free.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from errors import StateTooLarge, StateUnavailable
from state.base import ABSENT, ANY, TOMBSTONE_SECONDS, Body, Encoded, Head, Put, Stats
from state.bodies import FileBodies
from state.keys import Key
from state.statements import HEAD, HEAD_SQL, Statements, v, values

T = TypeVar("T")
BUSY_MS = 250
BUSY_DEADLINE_SECONDS = 3.0
SQLITE_BODY_MAX = 900 * 1024 * 1024


def connect(url: str, sync: bool = False, pool_size: int = 16) -> sa.Engine:
    """An engine in autocommit mode, with the pragmas and time-outs the backend relies on."""
    is_sqlite = sa.make_url(url).get_backend_name() == "sqlite"
    engine = _connect_sqlite(url, sync, pool_size) if is_sqlite else _connect_postgres(url, pool_size)
    _forget_connections_after_fork(weakref.ref(engine))
    return engine


def _forget_connections_after_fork(engine: weakref.ref[sa.Engine]) -> None:
    """A connection that parent and child both use would answer one with what the other asked for."""

    def forget() -> None:
        if (still := engine()) is not None:
            still.dispose(close=False)

    os.register_at_fork(after_in_child=forget)


def _connect_postgres(url: str, pool_size: int) -> sa.Engine:
    parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
    options = {"connect_timeout": 2, "options": "-c statement_timeout=10000 -c lock_timeout=3000", "keepalives_idle": 5}
    return sa.create_engine(
        parsed, isolation_level="AUTOCOMMIT", pool_size=pool_size, pool_timeout=1, connect_args=options
    )


def _connect_sqlite(url: str, sync: bool, pool_size: int) -> sa.Engine:
    path = sa.make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_size=pool_size, pool_timeout=1)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS:d}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL" if sync else "PRAGMA synchronous=NORMAL")

    return engine


class DatabaseBackend:
    name = "database"
    shared = True
    durable = True

    def __init__(
        self,
        url: str,
        bodies: FileBodies | None = None,
        inline_bytes: int = 64 * 1024,
        max_value_bytes: int = 1 << 30,
        sync: bool = False,
        clock: Callable[[], float] = time.time,
        create: bool = True,
    ) -> None:
        """`bodies` keeps values above `inline_bytes` in files; `create` makes the table if there is none."""
        self._engine = connect(url, sync)
        self._bodies = bodies
        self._inline = inline_bytes
        self._max = max_value_bytes if bodies else min(max_value_bytes, SQLITE_BODY_MAX)
        is_postgres = self._engine.dialect.name == "postgresql"
        epoch = sa.func.extract("epoch", sa.func.clock_timestamp())
        self._now: Any = sa.cast(epoch * 1000, sa.BigInteger) if is_postgres else sa.bindparam("now")
        self._clock = None if is_postgres else clock
        self._statements = Statements(self._now, postgresql.insert if is_postgres else sqlite.insert)
        if create:
            self._run(_create)

    def heads(self, keys: Sequence[Key]) -> list[Head | None]:
        if self._clock is not None and (heads := self._quick_heads(keys, int(self._clock() * 1000))) is not None:
            return heads
        if len(keys) == 1:
            rows = self._all(self._statements.head, _this(keys[0]))
        else:
            matching = sa.tuple_(v.owner, v.scope, v.store).in_([tuple(key) for key in keys])
            rows = self._all(sa.select(*HEAD, self._now.label("now")).where(matching), {}) if keys else []
        found = {Key(row.owner, row.scope, row.store): _head(row) for row in rows}
        return [found.get(key) for key in keys]

    def _quick_heads(self, keys: Sequence[Key], now: int) -> list[Head | None] | None:
        """SQLite's heads without SQLAlchemy around the statement, which triples the time; None: it did not work.

        A warm read is little more than this.
        """
        try:
            pooled = self._engine.raw_connection()
            try:
                run: Any = pooled.driver_connection.execute  # type: ignore[union-attr]
                rows = [run(HEAD_SQL, key).fetchone() for key in keys]
            finally:
                pooled.close()
        except (DBAPIError, PoolTimeout, sqlite3.Error):
            return None
        return [None if row is None else _aged(now, *row) for row in rows]

    def fetch(self, key: Key) -> tuple[Head, Body] | None:
        for _ in range(20):
            row = self._one(self._statements.fetch, _this(key))
            if row is None or (head := _head(row)).expired:
                return None
            if row.body is None and not row.in_file:
                return None  # swept, and then the clock went back
            body = self._bodies.read(head.tag) if row.in_file and self._bodies else row.body
            if body is not None:
                return head, body
        raise StateUnavailable(
            f"The body of {key.store} is not there; it may have been removed from the folder of bodies."
        )

    def put(self, key: Key, tag: str, value: Encoded, ttl_ms: int, expected: str = ANY) -> Put:
        if value.size > self._max:
            raise StateTooLarge(f"{key.store} has {value.size:,} bytes; {self._max:,} are allowed.")
        in_file = self._bodies is not None and value.size > self._inline
        body = None if in_file else bytes(value.tobytes())
        size = self._bodies.write(tag, value) if in_file and self._bodies else len(body or b"")
        new = {
            "n_tag": tag,
            "n_codec": value.codec,
            "n_size": size,
            "n_ttl_ms": ttl_ms,
            "n_in_file": in_file,
            "n_body": body,
        }
        by_tag = {} if expected in (ANY, ABSENT) else {"expected": expected}
        # When this raises, the write may have been applied all the same: its file is left to the sweep.
        row = self._write_once(key, tag, self._statements.put(expected), {**_this(key), **new, **by_tag})
        if row is None:
            self._forget(tag, in_file)
            return Put(False, self._live_tag(key))
        if row.replaced:
            self._forget(row.replaced, True)
        return Put(True, tag, in_file)

    def touch(self, key: Key, tag: str, ttl_ms: int) -> bool:
        return self._one(self._statements.touch, {**_this(key), "of_tag": tag, "n_ttl_ms": ttl_ms}) is not None

    def delete(self, key: Key, expected: str = ANY) -> Put:
        by_tag = {} if expected in (ANY, ABSENT) else {"expected": expected}
        row = self._one(self._statements.delete(expected), {**_this(key), **by_tag})
        if row is None:
            current = self._live_tag(key)
            return Put(False, current)
        self._forget(row.tag, row.in_file)
        return Put(not _head(row).expired, None)

    def list(self, owner: str, scope: str | None = None) -> list[tuple[Key, Head]]:
        rows = self._all(self._statements.list, {"k_owner": owner})
        return [(Key(row.owner, row.scope, row.store), _head(row)) for row in rows if scope in (None, row.scope)]

    def purge(self, owner: str) -> int:
        rows = self._all(self._statements.purge, {"k_owner": owner})
        for row in rows:
            self._forget(row.tag, row.in_file)
        return sum(not _head(row).expired for row in rows)

    def sweep(self) -> int:
        freed = self._all(self._statements.free, {})
        for row in freed:
            self._forget(row.tag, row.was_in_file)
        self._all(self._statements.bury, {"grace": TOMBSTONE_SECONDS * 1000})
        if self._bodies:
            orphans = set(self._bodies.orphans())
            known = {row.tag for row in self._all(self._statements.tags, {})} if orphans else set()
            self._bodies.remove_all(orphans - known)
        return len(freed)

    def ping(self) -> None:
        self._one(sa.select(sa.literal(1)), {})

    def stats(self) -> Stats:
        row = self._one(self._statements.stats, {})
        return Stats(row.keys, int(row.bytes or 0))

    def close(self) -> None:
        self._engine.dispose()

    def _live_tag(self, key: Key) -> str | None:
        (head,) = self.heads([key])
        return None if head is None or head.expired else head.tag

    def _write_once(self, key: Key, tag: str, statement: Any, parameters: dict[str, Any]) -> Any:
        """The row of a conditional write. A write whose answer was lost is looked for before it is tried again."""
        try:
            return self._one(statement, parameters, renew=False)
        except StateUnavailable:
            found = self._one(self._statements.mine, {**_this(key), "of_tag": tag})
            return found or self._one(statement, parameters, renew=False)

    def _forget(self, tag: str, in_file: bool) -> None:
        if in_file and self._bodies:
            self._bodies.remove(tag)

    def _one(self, statement: Any, parameters: dict[str, Any], renew: bool = True) -> Any:
        rows = self._all(statement, parameters, renew)
        return rows[0] if rows else None

    def _all(self, statement: Any, parameters: dict[str, Any], renew: bool = True) -> Sequence[Any]:
        if self._clock is not None:
            parameters = {**parameters, "now": int(self._clock() * 1000)}

        def run(connection: sa.Connection) -> Sequence[Any]:
            result = connection.execute(statement, parameters)
            return result.all() if result.returns_rows else ()

        return self._run(run, renew)

    def _run(self, work: Callable[[sa.Connection], T], renew: bool = True) -> T:
        """Run `work`, waiting out a busy SQLite. With `renew`, a connection that died is replaced once."""
        deadline = time.monotonic() + BUSY_DEADLINE_SECONDS
        renewed = not renew
        while True:
            try:
                with self._engine.connect() as connection:
                    return work(connection)
            except (DBAPIError, PoolTimeout) as error:
                died = isinstance(error, DBAPIError) and error.connection_invalidated
                if died and not renewed:
                    renewed = True
                    continue
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise StateUnavailable(
                        "The state database does not answer. Nothing was changed; try again."
                    ) from error
                time.sleep(random.uniform(0.001, 0.02))  # noqa: S311


def _create(connection: sa.Connection) -> None:
    """The table and its index, unless another process has made them, also at this very moment."""
    with contextlib.suppress(sa.exc.IntegrityError):  # PostgreSQL: two processes made it at once
        connection.execute(sa.schema.CreateTable(values, if_not_exists=True))
        for index in values.indexes:
            connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))


def _this(key: Key) -> dict[str, str]:
    return {"k_owner": key.owner, "k_scope": key.scope, "k_store": key.store}


def _head(row: Any) -> Head:
    return _aged(row.now, row.tag, row.codec, row.size, row.ttl_ms, row.expires_ms)


def _aged(now: int, tag: str, codec: str, size: int, ttl_ms: int, expires_ms: int) -> Head:
    left = expires_ms - now
    return Head(tag, codec, size, ttl_ms, expires_ms, left <= 0, ttl_ms - left)


def _is_busy(error: Exception) -> bool:
    return isinstance(error, OperationalError) and "locked" in str(error.orig)
