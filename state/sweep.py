"""Freeing what has expired, beside the requests: nobody waits for it, and nothing runs in an idle worker."""

from __future__ import annotations

import logging
import random
import threading
import time

from errors import StateUnavailable
from state.base import Backend

log = logging.getLogger(__name__)
EVERY_SECONDS = 300.0


class Sweep:
    """The sweeps of one backend; every process has its own. Safe to share between threads."""

    def __init__(self, backend: Backend, every_seconds: float = EVERY_SECONDS) -> None:
        self.backend = backend
        self.every_seconds = every_seconds
        self.due = time.monotonic() + random.uniform(0, every_seconds)  # noqa: S311
        """By the clock of `time.monotonic`. The first is drawn, so that workers do not sweep at once."""
        self._choosing = threading.Lock()

    def start_if_due(self) -> None:
        """Call at a write: the one that finds a sweep due starts it in a thread of its own."""
        if time.monotonic() < self.due:
            return
        with self._choosing:
            now = time.monotonic()
            if now < self.due:
                return
            self.due = now + self.every_seconds
        threading.Thread(target=self._run, name="state-sweep", daemon=True).start()

    def _run(self) -> None:
        try:
            log.info("Freed %d expired values.", self.backend.sweep())
        except StateUnavailable:
            log.warning("Expired values could not be freed now; the next sweep will.")
