"""Bodies in files: large values beside SQLite, written once under their tag and memory-mapped by every reader."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from errors import StateUnavailable
from state.base import Body, Encoded

ORPHAN_SECONDS = 3600


class FileBodies:
    """One file per tag. A file is complete before its tag is known to anyone, so no reader sees half of it."""

    def __init__(self, directory: Path, sync: bool = False) -> None:
        self.directory = directory
        self._sync = sync

    def write(self, tag: str, value: Encoded) -> int:
        """The size in bytes. Raises StateUnavailable when the disk refuses; nothing is left behind then."""
        path = self._path(tag)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with pa.OSFile(str(path), "wb") as sink:
                value.write(sink)
            if self._sync:
                flush(path)
            return path.stat().st_size
        except OSError as error:
            self.remove(tag)
            raise StateUnavailable(
                "The value could not be written to disk. Nothing was changed; try again later."
            ) from error
        except BaseException:
            self.remove(tag)
            raise

    def read(self, tag: str) -> Body | None:
        """A memory-mapped buffer, valid for as long as it is held even if the file goes; None if it went already."""
        try:
            with pa.memory_map(str(self._path(tag))) as source:
                return source.read_buffer()
        except FileNotFoundError:
            return None

    def remove(self, tag: str) -> None:
        self._path(tag).unlink(missing_ok=True)

    def orphans(self) -> Iterator[str]:
        """Tags of files old enough that a writer which died before naming them in a head must have left them."""
        before = time.time() - ORPHAN_SECONDS
        for path in self.directory.glob("??/*"):
            try:
                if path.stat().st_mtime < before:
                    yield path.name
            except FileNotFoundError:
                continue

    def remove_all(self, tags: Iterable[str]) -> None:
        for tag in tags:
            self.remove(tag)

    def _path(self, tag: str) -> Path:
        return self.directory / tag[:2] / tag


def flush(path: Path) -> None:
    """Put a new file and its folder's entry on the disk itself."""
    for target in (path, path.parent):
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
