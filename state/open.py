"""One door to the backends: a name and addresses in, a backend out."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from errors import SettingsError
from state.base import Backend
from state.client import ClientBackend
from state.memory import MemoryBackend


def open_backend(
    name: str,
    *,
    database_url: str = "",
    redis_url: str | None = None,
    bodies_directory: str | Path | None = None,
    inline_bytes: int = 64 * 1024,
    max_value_bytes: int = 1 << 30,
    sync: str = "normal",
    create: bool = True,
) -> Backend:
    """The backend `client`, `memory`, `database` or `redis`. With SQLite, large bodies go to files beside it.

    Raises SettingsError for a setting that cannot work, StateUnavailable if the server does not answer.
    """
    if name == "client":
        return ClientBackend()
    if name == "memory":
        return MemoryBackend(max_value_bytes=max_value_bytes)
    if name == "redis":
        return _open_redis(redis_url, inline_bytes, max_value_bytes)
    if name == "database":
        from state.bodies import FileBodies
        from state.database import DatabaseBackend

        full = sync == "full"
        directory = Path(bodies_directory) if bodies_directory else _beside(database_url)
        bodies = FileBodies(directory, full) if directory else None
        return DatabaseBackend(database_url, bodies, inline_bytes, max_value_bytes, full, create=create)
    raise SettingsError(f"{name!r} is not a state backend: use client, memory, redis or database.")


def _open_redis(url: str | None, inline_bytes: int, max_value_bytes: int) -> Backend:
    from state.redis import RedisBackend

    if not url:
        raise SettingsError("The redis backend needs an address: set STATE_REDIS_URL.")
    backend = RedisBackend(url, inline_bytes, max_value_bytes)
    backend.ping()
    backend.refuse_eviction()
    return backend


def _beside(url: str) -> Path | None:
    """The folder for large bodies of a SQLite file; None for PostgreSQL, whose rows hold them."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise SettingsError("STATE_DATABASE_URL is not a database address (sqlite:///… or postgresql://…).") from error
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:":
        raise SettingsError("A SQLite database in memory would be another one in every thread; name a file.")
    path = Path(parsed.database).absolute()
    return path.with_name(f"{path.name}.bodies")
