"""DuckDB in memory, one per process, shut in: it reads and writes our folders and nothing else, for a limited time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from errors import Invalid, NotFound, TookTooLong


class Engine:
    """Runs statements. Every call has its own cursor, so threads may share an engine; a fork gets its own database.

    `directories` are the only ones that SQL may reach; spilled data goes to `temp`. A statement that takes longer
    than `query_seconds` is stopped.
    """

    def __init__(
        self,
        directories: Sequence[Path],
        temp: Path,
        memory_limit: str = "1GB",
        threads: int = 2,
        query_seconds: float = 30,
    ) -> None:
        self.query_seconds = query_seconds
        self._directories = [str(directory.absolute()) for directory in directories]
        self._config = {"memory_limit": memory_limit, "threads": str(threads), "temp_directory": str(temp.absolute())}
        self._lock = threading.Lock()
        self._process = 0
        self._database: duckdb.DuckDBPyConnection | None = None
        self._parents: list[duckdb.DuckDBPyConnection | None] = []  # never closed here: their threads are not ours

    def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of the answer. Raises TookTooLong, NotFound (a file went away) and Invalid (out of range)."""
        with self._cursor() as cursor:
            return cursor.execute(sql, list(values)).fetchall()

    def stream(self, sql: str, values: Sequence[Any] = (), size: int = 5_000) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of the answer in lists of at most `size`. Each list has the time limit to itself."""
        cursor = self._connection().cursor()
        try:
            with self._watched(cursor):
                answer = cursor.execute(sql, list(values))
            while rows := self._next(answer, size):
                yield rows
        finally:
            cursor.close()

    def _next(self, answer: duckdb.DuckDBPyConnection, size: int) -> list[tuple[Any, ...]]:
        with self._watched(answer):
            return answer.fetchmany(size)

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._connection().cursor() as cursor, self._watched(cursor):
            yield cursor

    @contextmanager
    def _watched(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        alarm = threading.Timer(self.query_seconds, cursor.interrupt)
        alarm.daemon = True
        alarm.start()
        try:
            yield
        except duckdb.InterruptException as error:
            message = f"The query was stopped after {self.query_seconds:g} seconds. Ask for fewer tables or rows."
            raise TookTooLong(message, seconds=self.query_seconds) from error
        except duckdb.OutOfMemoryException as error:
            message = "The query needs more memory than [data] memory_limit allows. Ask for fewer columns or tables."
            raise TookTooLong(message) from error
        except duckdb.OutOfRangeException as error:
            raise Invalid("A number in this query is too large to work with.") from error
        except duckdb.IOException as error:
            if "No files found" not in str(error):
                raise
            raise NotFound("The data behind this was removed. Load the page again.") from error
        finally:
            alarm.cancel()

    def _connection(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._database is None or self._process != os.getpid():
                self._parents.append(self._database)
                self._database, self._process = self._opened(), os.getpid()
            return self._database

    def _opened(self) -> duckdb.DuckDBPyConnection:
        database = duckdb.connect(":memory:", config=dict(self._config))
        allowed = ", ".join("'" + directory.replace("'", "''") + "/'" for directory in self._directories)
        database.execute(f"SET allowed_directories = [{allowed}]")
        for setting in ("enable_external_access", "autoinstall_known_extensions", "autoload_known_extensions"):
            database.execute(f"SET {setting} = false")
        database.execute("SET lock_configuration = true")
        return database
