"""A file becomes an immutable Parquet file, named by its content, and a description. The original is only read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from domain.data import csv_file, dictionary, infer, xlsx
from domain.data.description import SQL_TYPES, Description, Kind, to_json
from domain.data.profile import literal, profile
from errors import UnreadableTable

INGEST_VERSION = "1"
SUFFIXES = (".csv", ".tsv", ".parquet", ".xlsx")
FIT = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"
PARQUET_KINDS: tuple[tuple[str, Kind], ...] = (
    ("BOOLEAN", "boolean"),
    ("TIMESTAMP", "datetime"),
    ("DATETIME", "datetime"),
    ("DATE", "date"),
    ("FLOAT", "number"),
    ("DOUBLE", "number"),
    ("DECIMAL", "number"),
    ("VARCHAR", "text"),
    ("ENUM", "text"),
    ("UUID", "text"),
    ("TIME", "text"),
)


def content_hash(path: Path, sidecar: Path | None) -> str:
    """Names the table: the same bytes, dictionary and rules of reading give the same hash (64 hexadecimal digits)."""
    digest = hashlib.sha256(f"{INGEST_VERSION} {path.suffix.lower()}\n".encode())
    for part in (path, sidecar):
        if part is not None:
            with part.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def ingest(path: Path, store: Path, memory_limit: str = "1GB", threads: int = 2) -> str:
    """Read the file at `path`, and the data dictionary beside it, into `store`; returns its content hash.

    Writes `<hash>.parquet` (columns `c0`, `c1`, …) and then `<hash>.json`, each complete or not at all, so several
    processes may do it at once. Raises UnreadableTable.
    """
    sidecar = dictionary.beside(path)
    name = content_hash(path, sidecar)
    if (store / f"{name}.json").exists():
        return name
    store.mkdir(parents=True, exist_ok=True)
    words = dictionary.read(sidecar.read_bytes(), sidecar.name) if sidecar else dictionary.Dictionary()
    with (
        tempfile.TemporaryDirectory(dir=store, prefix=".new-") as folder,
        _connection(folder, memory_limit, threads) as db,
    ):
        finished = Path(folder) / "table.parquet"
        try:
            names, kinds = _write(db, path, finished)
        except duckdb.OutOfMemoryException as error:
            raise UnreadableTable("It needs more memory than [data] memory_limit allows.") from error
        description = Description(*profile(db, finished, names, kinds, words), words.title)
        os.replace(finished, store / f"{name}.parquet")
        _write_json(Path(folder) / "table.json", store / f"{name}.json", description)
    return name


def _write_json(draft: Path, target: Path, description: Description) -> None:
    draft.write_text(json.dumps(to_json(description), ensure_ascii=False), "utf-8")
    os.replace(draft, target)


@contextlib.contextmanager
def _connection(folder: str, memory_limit: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": str(threads),
        "temp_directory": folder,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    with duckdb.connect(":memory:", config=config) as connection:
        yield connection


def _write(db: duckdb.DuckDBPyConnection, path: Path, finished: Path) -> tuple[list[str], list[Kind]]:
    if path.suffix.lower() == ".parquet":
        return _write_parquet(db, path, finished)
    text = finished.with_name("text.parquet")
    names = (xlsx if path.suffix.lower() == ".xlsx" else csv_file).to_text(path, text)
    relation = f"read_parquet({literal(str(text))})"
    kinds = infer.types(db, relation, len(names))
    columns = ", ".join(f"{infer.cast(kind, f'c{n}')} AS c{n}" for n, kind in enumerate(kinds))
    db.execute(f"COPY (SELECT {columns} FROM {relation}) TO {literal(str(finished))} ({FIT})")  # noqa: S608 - our names
    return names, kinds


def _write_parquet(db: duckdb.DuckDBPyConnection, path: Path, finished: Path) -> tuple[list[str], list[Kind]]:
    link = finished.with_name("source.parquet")
    link.symlink_to(path.absolute())  # a name of our own: in the original's, DuckDB would read * and [ as patterns
    source = f"read_parquet({literal(str(link))})"
    try:
        described = db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - our own path
        names = csv_file.checked_names([name for name, *_ in described])
        kinds = [_kind(name, declared) for name, declared, *_ in described]
        columns = ", ".join(_normal(f'"{name}"', kinds[n], n) for n, name in enumerate(_quoted(described)))
        db.execute(f"COPY (SELECT {columns} FROM {source}) TO {literal(str(finished))} ({FIT})")  # noqa: S608
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
        raise UnreadableTable(f"It is not a Parquet file that can be read: {str(error).splitlines()[0]}") from error
    return names, kinds


def _quoted(described: list[tuple[str, ...]]) -> list[str]:
    return [name.replace('"', '""') for name, *_ in described]


def _kind(name: str, declared: str) -> Kind:
    if "[" not in declared and "(" not in declared.removeprefix("DECIMAL(").removeprefix("ENUM("):
        if declared.lstrip("U") in {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}:
            return "integer"
        for start, kind in PARQUET_KINDS:
            if declared.startswith(start):
                return kind
    raise UnreadableTable(f"Column {name!r} holds {declared} values, which a table here cannot.", column=name)


def _normal(column: str, kind: Kind, position: int) -> str:
    cast = f"CAST({column} AS {SQL_TYPES[kind]})"
    if kind == "number":  # pandas writes a missing number as NaN
        cast = f"CASE WHEN isnan({cast}) THEN NULL ELSE {cast} END"
    return f"{cast} AS c{position}"
