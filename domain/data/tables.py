"""The catalogue: which tables a folder of files holds, kept in step with the folder without reading it again."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.data import dictionary
from domain.data.description import Column, Description, Refused, Table, from_json
from domain.data.ingest import INGEST_VERSION, SUFFIXES, ingest
from errors import NotFound, UnreadableTable

__all__ = ["Catalogue", "Column", "Refused", "Table"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """What became of one file as it was at `stamp`: a content hash, or the reason of the refusal."""

    stamp: tuple[int, ...]
    hash: str = ""
    reason: str = ""
    row: int | None = None


class Catalogue:
    """The tables of `directory` (CSV, TSV, Parquet, XLSX; its folders too), with their Parquet files in `store`.

    Every call looks at the folder's names, sizes and times and reads only what changed. Safe for several threads
    and processes with one store. Originals are never written.
    """

    def __init__(self, directory: Path, store: Path, memory_limit: str = "1GB", threads: int = 2) -> None:
        self.directory = directory
        self.store = store
        self._limits = memory_limit, threads
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._descriptions: dict[str, Description] = {}
        key = hashlib.sha256(f"{INGEST_VERSION} {directory.absolute()}".encode()).hexdigest()[:16]
        self._manifest = store / f"manifest-{key}.json"

    def tables(self) -> list[Table]:
        """Every readable table, by name. A file that changed has a new hash; the old Parquet file stays."""
        entries = {source: entry for source, entry in self._refreshed().items() if entry.hash}
        names = table_names(list(entries))
        tables = [self._table(names[source], source, entry.hash) for source, entry in entries.items()]
        return sorted(tables, key=lambda table: table.name)

    def table(self, name: str) -> Table:
        """The table called `name`; raises NotFound."""
        for table in self.tables():
            if table.name == name:
                return table
        raise NotFound(f"There is no table called {name!r}.", table=name)

    def refused(self) -> list[Refused]:
        """Every file that could not be read, with the reason, by file name."""
        entries = sorted(self._refreshed().items())
        return [Refused(source, entry.reason, entry.row) for source, entry in entries if not entry.hash]

    def _refreshed(self) -> dict[str, Entry]:
        with self._lock:
            stamps = scan(self.directory)
            if not _up_to_date(self._entries, stamps):
                self._entries = self._read_changes(stamps)
            return self._entries

    def _read_changes(self, stamps: dict[str, tuple[int, ...]]) -> dict[str, Entry]:
        self.store.mkdir(parents=True, exist_ok=True)
        with _one_process(self.store / ".ingest.lock"):
            known = self._read_manifest()
            fresh = {}
            for source, stamp in stamps.items():
                entry = known.get(source)
                usable = entry is not None and entry.stamp == stamp and self._is_kept(entry)
                fresh[source] = entry if entry is not None and usable else self._read(source, stamp)
            if fresh != known:
                self._write_manifest(fresh)
        return fresh

    def _is_kept(self, entry: Entry) -> bool:
        return not entry.hash or (self.store / f"{entry.hash}.json").exists()

    def _read(self, source: str, stamp: tuple[int, ...]) -> Entry:
        try:
            return Entry(stamp, ingest(self.directory / source, self.store, *self._limits))
        except UnreadableTable as error:
            return Entry(stamp, reason=error.detail, row=error.fields.get("row"))
        except OSError as error:
            return Entry((), reason=f"It cannot be opened: {error.strerror}.")

    def _read_manifest(self) -> dict[str, Entry]:
        try:
            document: dict[str, Any] = json.loads(self._manifest.read_text("utf-8"))
            return {source: Entry(**{**entry, "stamp": tuple(entry["stamp"])}) for source, entry in document.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError):
            logger.warning("%s cannot be read; the tables are read again", self._manifest)
            return {}

    def _write_manifest(self, entries: dict[str, Entry]) -> None:
        text = json.dumps({source: vars(entry) for source, entry in entries.items()}, ensure_ascii=False)
        with tempfile.NamedTemporaryFile(
            "w", dir=self.store, prefix=".manifest-", encoding="utf-8", delete=False
        ) as new:
            new.write(text)
        os.replace(new.name, self._manifest)

    def _table(self, name: str, source: str, content: str) -> Table:
        if content not in self._descriptions:
            text = (self.store / f"{content}.json").read_text("utf-8")
            self._descriptions[content] = from_json(json.loads(text))
        found = self._descriptions[content]
        title = found.title or Path(source).stem
        return Table(name, title, source, content, found.rows, self.store / f"{content}.parquet", found.columns)


def scan(directory: Path) -> dict[str, tuple[int, ...]]:
    """Relative path to (time, size, dictionary's time, its size) of every file that may be a table.

    Hidden files are left out, and links that lead out of the folder.
    """
    root = directory.resolve()
    found = {}
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder) / name
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and _is_inside(path, root):
                found[path.relative_to(directory).as_posix()] = _stamp(path)
    return {source: stamp for source, stamp in found.items() if stamp}


def _is_inside(path: Path, root: Path) -> bool:
    return not path.is_symlink() or path.resolve().is_relative_to(root)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        stats = [path.stat()]
        sidecar = dictionary.beside(path)
        stats += [sidecar.stat()] if sidecar else []
    except OSError:
        return ()  # it went away while we looked
    return tuple(number for stat in stats for number in (stat.st_mtime_ns, stat.st_size))


def _up_to_date(entries: dict[str, Entry], stamps: dict[str, tuple[int, ...]]) -> bool:
    return {source: entry.stamp for source, entry in entries.items()} == stamps


@contextmanager
def _one_process(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def table_names(sources: list[str]) -> dict[str, str]:
    """A unique name for every relative path: the file's stem; where two collide, with the folder, then the kind."""
    names = {source: _safe(Path(source).stem) for source in sources}
    for longer in (_with_folder, _with_folder_and_kind):
        clashes = _clashes(names)
        names.update({source: longer(source) for source in clashes})
    for source in _clashes(names):
        names[source] += "-" + hashlib.sha256(source.encode()).hexdigest()[:8]
    return names


def _clashes(names: dict[str, str]) -> list[str]:
    counts = Counter(names.values())
    return [source for source, name in names.items() if counts[name] > 1]


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "table"


def _with_folder(source: str) -> str:
    return _safe("_".join(Path(source).with_suffix("").parts))


def _with_folder_and_kind(source: str) -> str:
    return _with_folder(source) + "_" + Path(source).suffix[1:].lower()
